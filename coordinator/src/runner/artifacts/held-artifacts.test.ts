/**
 * What a trial holds in the store is what is shown of it, whatever it leaves when it pauses and when it ends: the references that facts add and
 * take away come to those, one each.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ArtifactRef, EndReason, isTrialFailure } from "@regulus/proto";
import fc from "fast-check";
import type { FactKind } from "../../search/commands.js";
import { SearchAt } from "../../search/testing/search-at.js";
import { heldOf, watchHeld } from "./held-artifacts.js";

const left = fc.uniqueArray(fc.constantFrom("predictions-valid", "predictions-test", "image"), { maxLength: 3 });

test("of each kind a trial keeps what it left last, and everything that its end leaves", () => {
  fc.assert(
    fc.property(
      fc.array(left, { maxLength: 4 }),
      fc.array(fc.constantFrom("predictions-valid", "image"), { maxLength: 3 }),
      (pauses, end) => {
        const at = new SearchAt().running(0, { final: false });
        const counts = new Map<string, number>();
        const tell = (kind: FactKind): void => {
          const change = watchHeld(at.state, kind);
          at.tell(kind);
          const { gained, lost } = change();
          for (const { sha256 } of gained) counts.set(sha256, (counts.get(sha256) ?? 0) + 1);
          for (const { sha256 } of lost) counts.set(sha256, (counts.get(sha256) ?? 0) - 1);
          const shown = at.state.trial(0)?.artifacts ?? [];
          const held = [...counts].filter(([, count]) => count !== 0).sort();
          assert.deepEqual(held, shown.map(({ sha256 }): [string, number] => [sha256, 1]).sort());
        };
        const newest = new Map<string, ArtifactRef>();
        for (const [index, kinds] of pauses.entries()) {
          const artifacts = kinds.map((kind) => ({ sha256: `${kind}-${index}`, size: 1, kind }));
          tell({ $case: "trialPaused", value: { trial: 0, attempt: index + 1, step: 10 * (index + 1), artifacts } });
          for (const ref of artifacts) newest.set(ref.kind, ref);
          assert.deepEqual(sorted(at.state.trial(0)?.artifacts), sorted([...newest.values()]));
          const work = at.state.live.get(0)?.work;
          tell({ $case: "trialResumed", value: { trial: 0, work } });
          at.attempt(0, index + 2);
        }
        const artifacts = end.map((kind, index) => ({ sha256: `${kind}-end-${index}`, size: 1, kind }));
        const more = { reason: EndReason.END_REASON_DONE, message: "", final: undefined, artifacts, startedMs: 0 };
        tell({ $case: "trialEnded", value: { trial: 0, attempt: pauses.length + 1, ...more } });
        const kept = [...newest.values()].filter(({ kind }) => !end.some((one) => one === kind));
        assert.deepEqual(sorted(at.state.trial(0)?.artifacts), sorted([...kept, ...artifacts]));
      },
    ),
  );
});

test("a trial's inputs are held while it may need them: while it is live, and where it failed, since it may be retried", () => {
  const input = (name: string) => ({ searchId: "", trial: 7, artifact: { sha256: name, size: 1, kind: "schedule" } });
  for (const reason of Object.values(EndReason)) {
    const at = new SearchAt();
    const counts = new Map<string, number>();
    const tell = (kind: FactKind): string[] => {
      const change = watchHeld(at.state, kind);
      at.tell(kind);
      const { gained, lost } = change();
      for (const { sha256 } of gained) counts.set(sha256, (counts.get(sha256) ?? 0) + 1);
      for (const { sha256 } of lost) counts.set(sha256, (counts.get(sha256) ?? 0) - 1);
      return [...counts].flatMap(([name, count]) => Array.from({ length: count }, () => name)).sort();
    };
    const work = at.pending(0).state.live.get(0)?.work;
    assert.ok(work !== undefined);
    assert.deepEqual(tell({ $case: "trialProposed", value: { trial: 1, work: { ...work, inputs: [input("a"), input("b")] } } }), [
      "a",
      "b",
    ]);
    at.attempt(1, 1);
    tell({ $case: "trialPaused", value: { trial: 1, attempt: 1, step: 1, artifacts: [] } });
    assert.deepEqual(tell({ $case: "trialResumed", value: { trial: 1, work: { ...work, inputs: [input("b"), input("b")] } } }), [
      "b",
      "b",
    ]);
    at.attempt(1, 2);
    const more = { reason, message: "", final: undefined, artifacts: [], startedMs: 0 };
    // The search ends as failed, so that a trial which stops then may be retried too.
    at.tell({ $case: "searchStopRequested", value: { reason: "it failed", completed: false, failed: true } });
    const left = tell({ $case: "trialEnded", value: { trial: 1, attempt: 2, ...more } });
    const failed = isTrialFailure(reason) || reason === EndReason.END_REASON_STOPPED_EARLY;
    assert.deepEqual(left, failed ? ["b", "b"] : []);
    assert.deepEqual(
      heldOf(at.state, 1).map(({ sha256 }) => sha256),
      left,
      "what is released once the search is deleted",
    );
    if (!failed) continue;
    const again = { trial: 1, work: { ...work, inputs: [input("b"), input("b")] }, idempotencyKey: "", allFailed: false };
    assert.deepEqual(tell({ $case: "trialRetried", value: again }), ["b", "b"]);
  }
});

function sorted(refs: readonly ArtifactRef[] = []): string[] {
  return refs.map(({ sha256 }) => sha256).sort();
}
