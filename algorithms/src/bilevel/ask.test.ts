/** How many trials one answer starts, and what is proposed once nothing more is asked: whoever is left is stopped, one trial solves all samples. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { maid } from "../solvers/maid/maid.js";
import type { MaidState } from "../solvers/maid/maid-state.js";
import { maidOptions } from "../solvers/maid/options.js";
import { askBilevel } from "./ask.js";
import { type Member, newMember } from "./member.js";
import { type BilevelState, emptyState } from "./state.js";

const options = maidOptions.parse({});
const plan = {
  method: maid,
  options,
  parameters: { rate: 1 },
  shards: 1,
  replacements: 0,
  replicas: 0,
  stepsPerTrial: 0,
  stepsMax: 0,
  trialsMax: 0,
};

function over(more: Partial<BilevelState<MaidState>> = {}): BilevelState<MaidState> {
  const method = maid.init(options, { theta: [1, 2], samples: 6 });
  method.finished = { reason: "converged", message: "" };
  return { ...emptyState<MaidState>(), method, samples: 6, ranges: [{ lo: 0, hi: 6 }], trials: 3, ...more };
}
const last = {
  kind: "start",
  procedure: "respond",
  parameters: { rate: 1 },
  options: { accuracy: 0.25 },
  untilStep: 6,
  vectors: { theta: [1, 2] },
  final: true,
};

test("the last trial solves all samples at what was found, as accurately as the newest step was, and an exact step as accurately as can be", () => {
  assert.deepEqual(askBilevel(plan, over({ accuracy: 0.25 }), 1), [last]);
  assert.deepEqual(askBilevel(plan, over({ accuracy: 0 }), 1), [{ ...last, options: { accuracy: Number.MIN_VALUE } }]);
  assert.deepEqual(askBilevel(plan, over({ accuracy: null }), 1), [{ ...last, options: {} }]);
  assert.deepEqual(askBilevel(plan, over({ finalTrial: 4 }), 1), [], "once");
  assert.deepEqual(askBilevel(plan, over(), 0), []);
});

test("it is the one trial that the budget keeps for it, and none where the strategy gave up or nothing was found", () => {
  const starts = (trialsMax: number, trials: number, stepsPerTrial = 0) =>
    askBilevel({ ...plan, trialsMax, stepsPerTrial }, over({ trials }), 1).length;
  assert.deepEqual([starts(4, 3), starts(4, 4), starts(0, 99)], [1, 0, 1]);
  assert.deepEqual([starts(0, 3, 6), starts(0, 3, 5)], [1, 0]);
  assert.deepEqual(askBilevel(plan, over({ gaveUp: "no more" }), 1), []);
  assert.deepEqual(askBilevel(plan, over({ method: null, gaveUp: "no more" }), 1), []);
});

test("whoever is left is stopped with a reason, those that are silent for theirs, and those that have ended are left alone", () => {
  const statuses = ["pending", "running", "paused", "silent", "ended"] as const;
  const members = statuses.map((status, trial) => ({ ...newMember(trial), status }));
  const stops = askBilevel(plan, over({ members, finalTrial: 9 }), 1);
  assert.deepEqual(stops, [
    { kind: "stop", trial: 3, reason: "its answer cannot be read" },
    ...[0, 1, 2].map((trial) => ({ kind: "stop", trial, reason: "the last step is taken" })),
  ]);
});

test("shards that all lost their trial share what the budget and the limit have room for", () => {
  const starts = (trialsMax: number, limit: number) => {
    const method = maid.init(options, { theta: [1, 2], samples: 6 });
    const ranges = [0, 1, 2].map((shard) => ({ lo: 2 * shard, hi: 2 * shard + 2 }));
    const members = [0, 1, 2].map((trial) => ({ ...newMember(trial), shard: trial, status: "ended" as const }));
    const found = askBilevel({ ...plan, shards: 3, trialsMax }, { ...over({ ranges, members }), method }, limit);
    return found.map((one) => (one.kind === "start" ? one.options?.shard : one.kind));
  };
  assert.deepEqual(starts(0, 9), [0, 1, 2]);
  assert.deepEqual(starts(0, 2), [0, 1]);
  // Three there were, and one is kept for the end.
  assert.deepEqual([starts(7, 9), starts(6, 9), starts(5, 9), starts(4, 9)], [[0, 1, 2], [0, 1], [0], []]);
});

test("an answer is saved where it is about to be needed elsewhere, and not otherwise", () => {
  const durable = (replicas: number, losses: number, hasPoint: boolean, source: readonly Member[] = []) => {
    const method = maid.init(options, { theta: [1, 2], samples: 6 });
    const answer = { lowerBound: 4, upperBound: 4, accuracy: 0.1, gradientNorm: 1, iterations: 1, stalled: 0, metrics: {} };
    if (hasPoint) maid.tell(method, 0, { ...answer, value: 4, hypergradient: [1, 1], residual: 0, unresolved: 0 });
    const member = {
      ...newMember(0),
      shard: 0,
      status: "paused" as const,
      step: 6,
      has: hasPoint && source.length === 0 ? [0] : [],
      losses,
    };
    const [first] = askBilevel({ ...plan, replicas }, { ...over({ members: [...source, member] }), method }, 1);
    return first?.kind === "resume" && first.options?.durable;
  };
  assert.deepEqual([durable(0, 0, false), durable(0, 0, true)], [false, false]);
  assert.deepEqual(
    [durable(1, 0, false), durable(1, 0, true)],
    [undefined, false],
    "others start from hypergradients' solutions",
  );
  assert.deepEqual([durable(0, 1, false), durable(0, 2, false)], [false, undefined], "whose process is lost again and again");
  const gone = { ...newMember(7), shard: 0, status: "ended" as const, saved: 4, holds: [0] };
  assert.equal(durable(0, 0, true, [gone]), undefined, "what was taken over from another's checkpoint");
});

test("what is to be reported comes first, whatever the limit", () => {
  const report = { step: 1, accepted: true, metrics: { psi: 0 }, vectors: { theta: [1] }, message: "m" };
  assert.deepEqual(askBilevel(plan, over({ reports: [report], finalTrial: 9 }), 0), [{ kind: "report", ...report }]);
});
