/**
 * When a search under ASHA will be done, by playing it on: the trials that are there keep their values and rungs, those to come draw theirs from the
 * values so far, and the slots take what ASHA would give them. A share of the work tells little of the end, where a few trials climb the last rungs one
 * after the other while most slots are idle. Pure: the draws are seeded by the state.
 */
import { isBetter } from "@regulus/proto";
import { ashaRungs } from "./expected-steps.js";
import type { Progress } from "./progress-state.js";

/** Games whose median is told. */
const games = 9;
/** A larger search is not played: the share of its work tells its end well enough. */
const trialsMax = 600;

interface Player {
  /** Rank of its value among all: lower is better. */
  readonly rank: number;
  /** The rung that it works for or stands on. */
  rung: number;
  isPromoted: boolean[];
}

/** What was played of a state, for as long as nothing new happened. */
const played = new WeakMap<Progress, { readonly position: number; readonly steps: number | undefined }>();

/** The steps of one slot until the end, one after the other; undefined where it can't be played. */
export function ashaStepsLeft(state: Progress): number | undefined {
  const known = played.get(state);
  if (known?.position === state.position) return known.steps;
  const steps = play(state);
  played.set(state, { position: state.position, steps });
  return steps;
}

function play(state: Progress): number | undefined {
  const spec = state.course?.spec;
  const budget = spec?.budget;
  if (spec?.strategy?.name !== "asha" || budget === undefined || budget.steps > 0) return undefined;
  const { eta, rungs } = ashaRungs(budget.stepsPerTrial, spec.strategy.options ?? {});
  const slots = state.rows.length;
  if (rungs.length === 0 || slots === 0 || budget.trials === 0 || budget.trials > trialsMax) return undefined;
  const toStart = Math.max(0, budget.trials - state.trialsProposed);
  const draw = randomOf(state.position);
  const times = Array.from({ length: games }, () => new Game(state, { eta, rungs, slots, draw }).play(toStart));
  return times.sort((a, b) => a - b)[Math.floor(games / 2)];
}

interface Rules {
  readonly eta: number;
  readonly rungs: readonly number[];
  readonly slots: number;
  readonly draw: () => number;
}

class Game {
  /** Those that have reached a rung, the best first. */
  readonly #reached: Player[][];
  readonly #busy: { readonly until: number; readonly player: Player }[] = [];

  readonly #rules: Rules;

  constructor(state: Progress, rules: Rules) {
    this.#rules = rules;
    const { rungs } = rules;
    this.#reached = rungs.map(() => []);
    const objective = state.course?.spec.objectives[0] ?? { direction: "DIRECTION_MINIMIZE" as const };
    const measured = [...state.live.values()].filter(({ counted }) => Number.isFinite(counted.value));
    measured.sort((a, b) => (isBetter(a.counted.value, b.counted.value, objective) ? -1 : 1));
    // Trials that reached the top were the best of their time; a failed one stays below.
    const top = rungs.length - 1;
    for (let done = 0; done < state.trialsDone; done += 1) this.#stand(this.#player(rules.draw() / rules.eta ** top), top);
    for (const trial of state.live.values()) {
      const at = measured.indexOf(trial);
      const player = this.#player(at < 0 ? rules.draw() : (at + 0.5 + state.trialsDone) / (measured.length + state.trialsDone));
      const target = Math.max(
        0,
        rungs.findIndex((rung) => rung >= trial.untilStep),
      );
      const isWaiting = trial.row < 0 && trial.step >= trial.untilStep;
      this.#stand(player, isWaiting ? target : target - 1);
      if (isWaiting) continue;
      player.rung = target;
      this.#busy.push({ until: Math.max(0, (rungs[target] ?? 0) - trial.step), player });
    }
  }

  /** Steps until nothing is left to do. */
  play(toStart: number): number {
    let left = toStart;
    let now = 0;
    for (;;) {
      while (this.#busy.length < this.#rules.slots) {
        const player = this.#promotable() ?? (left-- > 0 ? this.#player(this.#rules.draw()) : undefined);
        if (player === undefined) break;
        const { rungs } = this.#rules;
        this.#busy.push({ until: now + (rungs[player.rung] ?? 0) - (rungs[player.rung - 1] ?? 0), player });
      }
      const next = this.#busy.reduce((first, one, at) => (one.until < (this.#busy[first]?.until ?? Infinity) ? at : first), 0);
      const [done] = this.#busy.splice(next, 1);
      if (done === undefined) return now;
      now = done.until;
      this.#reach(done.player, done.player.rung);
    }
  }

  #player(rank: number): Player {
    return { rank, rung: 0, isPromoted: [] };
  }

  /** Puts a player where it stands: it was promoted from all rungs below. */
  #stand(player: Player, rung: number): void {
    for (let at = 0; at <= rung; at += 1) {
      this.#reach(player, at);
      player.isPromoted[at] = at < rung;
    }
    player.rung = Math.max(0, rung);
  }

  #reach(player: Player, rung: number): void {
    const there = this.#reached[rung] ?? [];
    let at = there.length;
    while (at > 0 && (there[at - 1]?.rank ?? 0) > player.rank) at -= 1;
    there.splice(at, 0, player);
  }

  /** The best of a rung's first 1/η that is not promoted, of the highest rung that has one. */
  #promotable(): Player | undefined {
    for (let rung = this.#reached.length - 2; rung >= 0; rung -= 1) {
      const there = this.#reached[rung] ?? [];
      const count = Math.floor(there.length / this.#rules.eta);
      for (let at = 0; at < count; at += 1) {
        const player = there[at];
        if (player === undefined || player.isPromoted[rung]) continue;
        player.isPromoted[rung] = true;
        player.rung = rung + 1;
        return player;
      }
    }
    return undefined;
  }
}

/** Numbers in [0, 1), the same for the same state. */
function randomOf(seed: number): () => number {
  let state = (seed % 2147483646) + 1;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}
