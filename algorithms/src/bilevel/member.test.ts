/** What a trial of bilevel rounds is known to hold, whatever comes first of its answer and its checkpoint, and what is gone with a process. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  describing,
  hasSaved,
  isAlive,
  type Member,
  newMember,
  noteAnswered,
  noteAsked,
  noteMissed,
  noteSaved,
} from "./member.js";

/** A trial of shard 1 that was asked question 7 from the solutions of question 4, at step 10. */
function asked(more: Partial<Member> = {}): Member {
  const member = { ...newMember(3), step: 10, ...more };
  noteAsked(member, 1, { id: 7, startFrom: 4 });
  return member;
}

test("a checkpoint holds the answer's solutions where it is not older, in whichever order the two are told of", () => {
  for (const [answeredAt, savedAt, holds] of [
    [15, 15, [4, 7]],
    [15, 16, [4, 7]],
    [15, 14, [4]],
  ] as const) {
    const [first, second] = [asked(), asked()];
    noteSaved(first, savedAt);
    noteAnswered(first, answeredAt, false);
    noteAnswered(second, answeredAt, false);
    noteSaved(second, savedAt);
    for (const member of [first, second]) {
      assert.deepEqual(member.holds, holds, `${answeredAt} and ${savedAt}`);
      assert.deepEqual([hasSaved(member, 4), hasSaved(member, 7)], [true, holds.length === 2]);
    }
    assert.deepEqual(first.has, [4, 7], "its process holds what it answered");
    assert.deepEqual(second.has, holds, "one that saved may be another process");
  }
});

test("without a checkpoint nothing is saved, and the process holds what it answered", () => {
  const member = asked();
  noteAnswered(member, 15, false);
  assert.deepEqual([member.holds, member.has, member.answered], [[], [4, 7], 15]);
  member.holds = [7];
  assert.equal(hasSaved(member, 7), false, "a checkpoint that there is not holds nothing");
  const fromItself = { ...newMember(0) };
  noteAsked(fromItself, 0, { id: 2, startFrom: null });
  noteSaved(fromItself, 5);
  assert.deepEqual([fromItself.holds, fromItself.step, fromItself.savedSince], [[], 5, true]);
  noteAnswered(fromItself, 5, false);
  assert.deepEqual([fromItself.holds, hasSaved(fromItself, 2)], [[2], true]);
});

test("one that rejected, and one that only said what the workload is, hold no solutions of their own", () => {
  const member = asked();
  noteAnswered(member, 12, true);
  noteSaved(member, 12);
  assert.deepEqual([member.holds, member.has], [[4], [4]]);
  assert.ok(member.answered !== null);
  const describer = newMember(0);
  noteAsked(describer, -1, { id: describing, startFrom: null });
  noteAnswered(describer, 1, false);
  noteSaved(describer, 1);
  assert.deepEqual([describer.holds, describer.has], [[], []]);
});

test("what is asked next starts over: nothing of it is answered, missed, saved or pausing", () => {
  const member = asked({
    answered: 3,
    missed: [1],
    savedSince: true,
    pausing: true,
    status: "paused",
    holds: [4],
    has: [4],
    saved: 9,
  });
  const { shard, status, answered, missed, savedSince, pausing, holds, has, saved, step } = member;
  assert.deepEqual([shard, status, answered, missed, savedSince, pausing], [1, "pending", null, null, false, false]);
  assert.deepEqual([holds, has, saved, step], [[4], [4], 9, 10], "what it holds stays");
});

test("a process that is gone leaves what the trial had saved, and counts until it is long past", () => {
  const member = asked({ holds: [2, 3, 4], has: [2, 3, 4], saved: 8 });
  noteMissed(member, [2]);
  // The checkpoint is that of before, and does not hold what its own trial found missing.
  assert.deepEqual([member.has, member.holds, member.losses, member.missed], [[2], [2, 3], 1, [2]]);
  assert.ok(member.answered !== null, "it counts as an answer");
  noteSaved(member, 11);
  assert.deepEqual(member.holds, [2], "a checkpoint since then holds that and no more");
  const since = asked({ holds: [2, 4], saved: 8 });
  noteSaved(since, 11);
  noteMissed(since, [1, 2]);
  assert.deepEqual(since.holds, [1, 2], "it saved before it said so");

  const contradicting = asked();
  noteMissed(contradicting, [4, 5]);
  assert.deepEqual([contradicting.answered, contradicting.losses], [null, 0], "it holds what it says to miss: no answer");
  const own = newMember(0);
  noteAsked(own, 0, { id: 1, startFrom: null });
  noteMissed(own, []);
  assert.equal(own.answered, null, "there was nothing to miss");

  for (let answers = 1; answers <= 16; answers++) {
    assert.equal(member.losses, 1, `${answers - 1} answers later`);
    noteAsked(member, 1, { id: 7 + answers, startFrom: 4 });
    noteAnswered(member, 20 + answers, false);
  }
  assert.equal(member.losses, 0);
  noteMissed(Object.assign(member, { asked: { id: 99, startFrom: 98 } }), []);
  assert.deepEqual([member.losses, member.answeredSince], [1, 0]);
});

test("a trial may answer while it is pending, running or paused", () => {
  const alive = (["pending", "running", "paused", "silent", "ended"] as const).filter((status) =>
    isAlive({ ...newMember(0), status }),
  );
  assert.deepEqual(alive, ["pending", "running", "paused"]);
});

test("steps never go back", () => {
  const member = asked();
  noteSaved(member, 4);
  assert.deepEqual([member.step, member.saved], [10, 4]);
  noteSaved(member, 12);
  assert.deepEqual([member.step, member.saved], [12, 12]);
});
