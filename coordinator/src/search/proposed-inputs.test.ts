/** Inputs of a proposal: the newest results of the named kinds, pinned by their sums; whatever is not there is refused in words. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Proposal, ProposedInput } from "@regulus/algorithms/core";
import { type ArtifactRef, EndReason, limits } from "@regulus/proto";
import fc from "fast-check";
import type { FactKind } from "./commands.js";
import { decide } from "./decide.js";
import { SearchAt } from "./testing/search-at.js";

const ref = (name: string, kind = "schedule"): ArtifactRef => ({ sha256: name, size: 1, kind });
type Start = Extract<Proposal, { kind: "start" }>;
const start = (inputs: readonly ProposedInput[], more: Partial<Start> = {}): Start => {
  return { kind: "start", procedure: "fit", parameters: { rate: 0.5 }, untilStep: 10, final: false, inputs, ...more };
};

function take(at: SearchAt, ...proposals: Proposal[]): readonly FactKind[] {
  return decide(at.state, { kind: "takeProposals", proposals, limit: 10, asked: at.state.position });
}

/** The sums that a taken proposal pinned, or why it was refused. */
function pinned([fact]: readonly FactKind[]): readonly string[] | string {
  if (fact?.$case === "strategyFailed") return fact.value.message;
  assert.ok(fact?.$case === "trialProposed" || fact?.$case === "trialResumed");
  return fact.value.work?.inputs.map(({ searchId, trial, artifact }) => `${searchId}${trial} ${artifact?.sha256}`) ?? [];
}

/** Trial 0 of a search left these schedules, one after the other, the last one with its end. */
function left(...names: readonly string[]): SearchAt {
  const at = new SearchAt();
  at.running(0, { final: false });
  for (const [index, name] of names.entries()) {
    const artifacts = [ref(name)];
    if (index + 1 < names.length) {
      at.tell({ $case: "trialPaused", value: { trial: 0, attempt: index + 1, step: index, artifacts } });
      const work = at.state.live.get(0)?.work;
      at.tell({ $case: "trialResumed", value: { trial: 0, work } }).attempt(0, index + 2);
    } else {
      const rest = { reason: EndReason.END_REASON_DONE, message: "", final: undefined, artifacts, startedMs: 0 };
      at.tell({ $case: "trialEnded", value: { trial: 0, attempt: index + 1, ...rest } });
    }
  }
  return at;
}

test("what a proposal is given stays what it was, whatever its trial leaves later", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), (count) => {
      const names = Array.from({ length: count }, (_, index) => `sum-${index}`);
      const at = left(...names);
      assert.deepEqual(pinned(take(at, start([{ trial: 0, kind: "schedule" }]))), [`0 sum-${count - 1}`]);
    }),
  );
  const at = new SearchAt();
  at.running(0, { final: false });
  at.tell({ $case: "trialPaused", value: { trial: 0, attempt: 1, step: 1, artifacts: [ref("early")] } });
  at.tell(...take(at, start([{ trial: 0, kind: "schedule" }])));
  at.tell({ $case: "trialResumed", value: { trial: 0, work: at.state.live.get(0)?.work } }).attempt(0, 2);
  at.tell({ $case: "trialPaused", value: { trial: 0, attempt: 2, step: 2, artifacts: [ref("late")] } });
  assert.deepEqual(at.state.live.get(1)?.work.inputs, [{ searchId: "", trial: 0, artifact: ref("early") }]);
  at.attempt(1, 1).tell({ $case: "trialPaused", value: { trial: 1, attempt: 1, step: 10, artifacts: [] } });
  const resume = { kind: "resume", trial: 1, untilStep: 20, final: true } as const;
  assert.deepEqual(pinned(take(at, resume)), ["0 early"], "a resumed trial keeps them");
  assert.deepEqual(
    pinned(take(at, { ...resume, inputs: [{ trial: 0, kind: "schedule" }] })),
    ["0 late"],
    "unless it is given new ones",
  );
});

test("inputs that are not there, or that the procedure does not take, are refused with a message", () => {
  const at = left("sum");
  for (const [inputs, words, procedure] of [
    [[{ trial: 5, kind: "schedule" }], /given schedule of trial 5, and there are 1/],
    [[{ trial: 0, kind: "picture" }], /procedure fit is given "picture": expected schedule/],
    [[{ trial: 0, kind: "schedule" }], /procedure command is given "schedule": it takes none/, "command"],
    [Array.from({ length: limits.trialInputsMax + 1 }, () => ({ trial: 0, kind: "schedule" })), /1025 inputs, at most 1024/],
  ] as const) {
    assert.match(String(pinned(take(at, start(inputs, { procedure: procedure ?? "fit" })))), words);
  }
  const none = new SearchAt().running(0);
  assert.match(String(pinned(take(none, start([{ trial: 0, kind: "schedule" }])))), /of trial 0, which left nothing/);
});

test("an arm may have any name in lower case, and a search has so many arms and no more", () => {
  const at = new SearchAt();
  const ofArm = (arm: string) => start([], { arm });
  for (const arm of ["Combine", "1st", "a b", "a".repeat(33)]) assert.match(String(pinned(take(at, ofArm(arm)))), /its arm is/);
  for (let index = 0; index < limits.armsMax; index += 1) at.tell(...take(at, ofArm(`arm-${index}`)));
  assert.equal(at.state.view().arms.length, limits.armsMax);
  assert.match(String(pinned(take(at, ofArm("one-more")))), /its arm one-more would be one of more than 64/);
  assert.deepEqual(pinned(take(at, ofArm("arm-3"))), []);
});
