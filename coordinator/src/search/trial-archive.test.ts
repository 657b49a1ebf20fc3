/** The archive of ended trials keeps what it was given, however many and however large they are, against a plain map. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EndReason, isTrialFailure, Trial, TrialStatus } from "@regulus/proto";
import fc from "fast-check";
import { SearchAt } from "./testing/search-at.js";
import { TrialArchive } from "./trial-archive.js";
import { trialView } from "./trial-view.js";

const reasons = Object.values(EndReason).filter((reason) => !/UNSPECIFIED|UNRECOGNIZED/.test(reason));
const { live } = new SearchAt().running(0).state;
// As a message has it that came over the wire.
const blank = Trial.decode(Trial.encode(trialView("s", live.get(0) ?? assert.fail("it is live"))).finish());

const act = fc.record({
  /** Numbers past the first rows, so that the columns grow more than once. */
  trial: fc.oneof(fc.nat(6), fc.nat(100)),
  removes: fc.boolean(),
  packs: fc.boolean(),
  reason: fc.constantFrom(...reasons),
  characters: fc.oneof(fc.nat(50), fc.constantFrom(100_000, 300_000)),
  value: fc.option(fc.double({ noNaN: true }), { nil: undefined }),
  numbers: fc.record({ step: fc.nat(), savedSince: fc.boolean(), cutOff: fc.boolean(), keptMs: fc.nat() }),
});

test("trials of any size come out as they went in, large after small", () => {
  const archive = new TrialArchive();
  const sizes = [10, 300_000, 200_000, 80_000, 200_000, 10];
  const views = sizes.map((size, trial) => ({
    ...blank,
    trial,
    message: `${trial}`.repeat(size),
    status: TrialStatus.TRIAL_STATUS_ENDED,
  }));
  for (const view of views) archive.add(view, { step: 1, savedSince: false, cutOff: false, keptMs: 0 });
  for (const view of views) assert.deepEqual(archive.get("s", view.trial), { ...view, searchId: "s" });
});

test("an ended trial comes out as it went in, with its numbers, until it is taken out", () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
      const archive = new TrialArchive();
      const plain = new Map<number, { readonly view: Trial; readonly numbers: (typeof acts)[number]["numbers"] }>();
      for (const { trial, removes, packs, reason, characters, value, numbers } of acts) {
        if (packs) archive.pack();
        if (plain.has(trial)) {
          if (removes) archive.remove(trial);
          if (removes) plain.delete(trial);
          continue;
        }
        const ended = { ...blank, trial, reason, value, message: "m".repeat(characters), attempts: trial + 1 };
        const view: Trial = { ...ended, status: TrialStatus.TRIAL_STATUS_ENDED };
        archive.add(view, numbers);
        plain.set(trial, { view, numbers });
      }
      for (let trial = 0; trial <= 101; trial += 1) {
        const known = plain.get(trial);
        assert.equal(archive.has(trial), known !== undefined);
        assert.equal(archive.get("other", trial)?.searchId, known && "other");
        assert.deepEqual(archive.get("s", trial), known?.view);
        assert.ok(Object.is(archive.value(trial), known?.view.value ?? Number.NaN));
        assert.equal(archive.failed(trial), known !== undefined && isTrialFailure(known.view.reason));
        assert.equal(archive.mayRetry(trial), archive.failed(trial) || (known?.numbers.cutOff ?? false));
        assert.equal(archive.savedSince(trial), known?.numbers.savedSince ?? false);
        if (known === undefined) continue;
        assert.deepEqual([archive.step(trial), archive.keptMs(trial)], [known.numbers.step, known.numbers.keptMs]);
      }
    }),
    { numRuns: 30 },
  );
});
