/**
 * Runs a bilevel method in this process: asks samples one after the other and keeps their warm starts. What a cluster does with agents and
 * checkpoints, with the same bits.
 */
import { assert } from "@regulus/proto";
import { answerSample } from "../answer-sample.js";
import { dealt } from "../dealt-samples.js";
import { type AnsweredSample, type ReducedAnswer, type RespondSample, reduceAnswers, type WarmStart } from "../respond.js";
import { coveringNodes, shardRanges, sumNode } from "../summation-tree.js";
import type { BilevelMethod, IterationRecord, MethodState, OpenQuestion } from "./method.js";

export interface LocalRun<State extends MethodState> {
  readonly samples: readonly RespondSample[];
  /** Called with every completed iteration; where it answers true, the run ends there. */
  onRecord?(record: IterationRecord, state: Readonly<State>): boolean | undefined;
  /** Questions asked at once: those behind the first are speculative, which must not change anything. 1 where absent. */
  readonly ahead?: number;
  /** Contiguous ranges of positions that sums are made in, as shards of a cluster would, which must not change anything. 1 where absent. */
  readonly shards?: number;
}

/** Runs until the method has finished or `onRecord` ends it. */
export function driveLocally<Options, State extends MethodState>(
  method: BilevelMethod<Options, State>,
  state: State,
  { samples: inOrder, onRecord, ahead = 1, shards = 1 }: LocalRun<State>,
): void {
  const samples = dealt(inOrder);
  /** Solutions by question, of those that can still be started from. */
  const solutions = new Map<number | null, readonly WarmStart[]>();
  const theta = Float64Array.from(state.theta);
  solutions.set(
    null,
    samples.map((sample) => ({ x: sample.start(theta) })),
  );
  for (;;) {
    const open = method.questions(state, ahead);
    if (open.length === 0) return;
    for (const one of open) {
      const warm = solutions.get(one.startFrom);
      assert(warm !== undefined, `question ${one.id} starts from ${one.startFrom}, which was answered`);
      for (const id of solutions.keys()) if (id !== one.startFrom && (id ?? -1) < (one.startFrom ?? -1)) solutions.delete(id);
      const { answer, answered } = askAll(samples, one, { warm, shards });
      solutions.set(one.id, answered);
      for (const record of method.tell(state, one.id, answer)) if (onRecord?.(record, state) === true) return;
    }
  }
}

function askAll(
  samples: readonly RespondSample[],
  { question }: OpenQuestion,
  { warm, shards }: { warm: readonly WarmStart[]; shards: number },
): { readonly answer: ReducedAnswer; readonly answered: readonly WarmStart[] } {
  const answered: AnsweredSample[] = samples.map((sample, i) => {
    const start = warm[i];
    assert(start !== undefined, "every sample has a warm start");
    return answerSample(sample, { ...question, commit: false }, start);
  });
  const nodes =
    question.gradient === undefined || answered.some(({ hypergradient }) => hypergradient === undefined)
      ? []
      : shardRanges(samples.length, shards)
          .flatMap((shard) => coveringNodes(samples.length, shard))
          .map((node) => sumNode(node, (i) => answered[i]?.hypergradient ?? []));
  const answer = reduceAnswers(
    answered.map((one) => one.answer),
    nodes,
  );
  return { answer, answered: answered.map(({ solution }) => solution) };
}
