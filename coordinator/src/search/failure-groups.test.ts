/** How trials failed, against a plain list of all failures: groups are counted, bounded, and give back what is tried again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EndReason } from "@regulus/proto";
import fc from "fast-check";
import { FailureGroups, failureGroupsMax } from "./failure-groups.js";

const reasons = fc.constantFrom(EndReason.END_REASON_LOST, EndReason.END_REASON_USER_ERROR);
const failure = fc.record({
  reason: reasons,
  word: fc.constantFrom("file", "disk", "network"),
  removes: fc.boolean(),
  which: fc.nat(9),
});

test("failures that differ in numbers only are one group, the most frequent stands first, and an empty one is gone", () => {
  fc.assert(
    fc.property(fc.array(failure, { maxLength: 40 }), (failures) => {
      const groups = new FailureGroups();
      const plain: { readonly trial: number; readonly reason: EndReason; readonly word: string }[] = [];
      for (const [trial, { reason, word, removes, which }] of failures.entries()) {
        const gone = removes ? plain.splice(which, 1)[0] : undefined;
        if (gone !== undefined) groups.remove(gone.reason, `no ${gone.word} at ${gone.trial}`);
        else {
          plain.push({ trial, reason, word });
          groups.add(trial, reason, `no ${word} at ${trial}`);
        }
      }
      const view = groups.view();
      const counts = new Map<string, number>();
      for (const { reason, word } of plain) counts.set(`${reason} ${word}`, (counts.get(`${reason} ${word}`) ?? 0) + 1);
      const seen = view.map(({ reason, message, trials }) => [`${reason} ${message.split(" ")[1]}`, trials] as const);
      assert.deepEqual(new Map(seen), counts);
      assert.equal(seen.length, counts.size);
      assert.deepEqual(
        seen.map(([, trials]) => trials),
        [...counts.values()].sort((a, b) => b - a),
      );
    }),
  );
});

test("ways of failing beyond the bound are left out, the known ones continue to count, and one that is empty makes room", () => {
  const groups = new FailureGroups();
  const { END_REASON_LOST: lost } = EndReason;
  const message = (way: number) => `no ${String.fromCharCode(97 + way).repeat(3)}`;
  for (let way = 0; way < failureGroupsMax + 2; way += 1) groups.add(way, lost, message(way));
  assert.equal(groups.view().length, failureGroupsMax);
  groups.add(99, lost, message(3));
  assert.deepEqual(groups.view()[0], { reason: lost, message: message(3), trials: 2, firstTrial: 3 });
  groups.remove(lost, message(failureGroupsMax + 1));
  assert.equal(groups.view().length, failureGroupsMax, "one that was left out takes nothing away");
  groups.remove(lost, message(0));
  groups.add(100, lost, message(24));
  assert.ok(groups.view().some(({ firstTrial }) => firstTrial === 100));
  assert.ok(!groups.view().some(({ firstTrial }) => firstTrial === 0));
});
