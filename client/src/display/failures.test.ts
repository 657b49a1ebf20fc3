import assert from "node:assert/strict";
import { test } from "node:test";
import { EndReason, type TrialEnded } from "@regulus/proto";
import { FailureNotes, failureLines } from "./failures.js";
import { messageLines } from "./message-lines.js";

const failed = (trial: number, message: string): TrialEnded => ({
  trial,
  attempt: 1,
  reason: EndReason.END_REASON_USER_ERROR,
  message,
  final: undefined,
  artifacts: [],
  startedMs: 0,
});

test("each way of failing is reported once, with its lines, and how often it came again at the end", () => {
  const notes = new FailureNotes();
  const trace = (trial: number) => `ended with code 1\nTraceback:\n  File "/w/${trial}/train.py"\nImportError: torch`;
  assert.equal(
    notes.told(failed(0, trace(0))),
    'trial 0 ended: user error\n  ended with code 1\n  Traceback:\n    File "/w/0/train.py"\n  ImportError: torch',
  );
  assert.equal(notes.told(failed(1, trace(1))), undefined);
  assert.equal(notes.told(failed(2, trace(2))), undefined);
  assert.match(notes.told(failed(3, "disk full")) ?? "", /^trial 3 ended: user error\n {2}disk full$/);
  assert.deepEqual(notes.rest(), ["2 more trials ended like trial 0: user error"]);
});

test("a list counts failures and keeps line breaks, and a terminal obeys none of it", () => {
  const group = { reason: EndReason.END_REASON_LOST, message: "a\nb\u001b[2J", trials: 3, firstTrial: 4 };
  assert.deepEqual(failureLines([group]), ["3 trials, the first of them trial 4: lost", "  a", "  b"]);
  const long = messageLines(Array.from({ length: 99 }, (_, line) => `line ${line}`).join("\n"));
  assert.deepEqual([long.length, long[0], long.at(-1)], [12, "  line 0", "  line 98"]);
});
