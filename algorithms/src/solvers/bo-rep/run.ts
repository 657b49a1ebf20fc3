/** BO-REP on one machine, without a cluster: asks the machine, answers with the whole problem, tells it. For claims, tests and small problems. */
import type { StochasticProblem } from "../stochastic-problem.js";
import { awaitedQuestion, type BoRepState, refreshesOwned, startBoRep, tellBoRep } from "./machine.js";
import { answerShard, averageOfShards, shapeOf } from "./oracle.js";
import type { BoRepSettings } from "./settings.js";
import { answerTasks, startTasks } from "./task-oracle.js";

/**
 * Runs to its end. @param cuts edges of the shards that answers are computed in, such as [0, 3, 8]: the result is the same for any.
 * @param observe is called after every upper step; true ends the run.
 */
export function runBoRep(
  problem: StochasticProblem,
  settings: BoRepSettings,
  {
    start = problem.start,
    cuts = [0, problem.units],
    observe,
  }: {
    readonly start?: { readonly x: ArrayLike<number>; readonly y: ArrayLike<number> };
    readonly cuts?: readonly number[];
    readonly observe?: (state: Readonly<BoRepState>) => boolean;
  } = {},
): BoRepState {
  const owned = problem.lower === "owned";
  const shards = cuts.slice(1).map((hi, index) => ({ lo: cuts[index] ?? 0, hi }));
  const memories = owned ? shards.map((shard) => startTasks(problem, shard)) : [];
  const state = startBoRep(settings, owned ? { x: start.x, y: [] } : start);
  const shape = shapeOf(problem);
  for (let asked = awaitedQuestion(state); asked !== undefined; asked = awaitedQuestion(state)) {
    const question = asked;
    const at = { x: Float64Array.from(state.x), y: Float64Array.from(state.y), z: Float64Array.from(state.z) };
    const refresh = refreshesOwned(state, settings);
    const answers = shards.map((shard, index) => {
      const memory = memories[index];
      if (memory === undefined) return answerShard(problem, question, at, shard);
      return answerTasks(problem, settings, { memory, question: { x: at.x, draw: question.draw, refresh }, shard });
    });
    const before = state.step;
    tellBoRep(state, settings, averageOfShards(shape, question.kind, answers));
    if (state.step > before && observe?.(state) === true) break;
  }
  return state;
}
