/** What ends of programs mean: who ended it, and whether anything was left to do. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ProgramCourse, type ProgramEnd, programOutcome } from "./program-outcome.js";

const course: ProgramCourse = {
  diverged: "",
  stop: undefined,
  hasReached: false,
  untilStep: 0,
  pauses: false,
  wasAsked: false,
  objective: "val/loss",
  hasMeasured: true,
  names: ["val/loss"],
  wrong: "",
  near: "",
  isLater: false,
  lastLines: "bye",
  place: "it ran in a scratch folder",
};
const end: ProgramEnd = { code: 0, signal: null, unstarted: undefined, wasKilled: false, endedFirst: false };
const exit = (code: number): ProgramEnd => ({ ...end, code });
const ended = (signal: NodeJS.Signals): ProgramEnd => ({ ...end, code: null, signal });
const reasonOf = (how: ProgramEnd, more: Partial<ProgramCourse> = {}) => programOutcome(how, { ...course, ...more }).reason;

const fromOutside = [ended("SIGHUP"), ended("SIGKILL"), ended("SIGTERM"), exit(129), exit(137), exit(143)];
const byItself = [ended("SIGSEGV"), ended("SIGINT"), ended("SIGABRT"), exit(1), exit(2), exit(128), exit(130), exit(139)];

test("an end from outside is lost, by its signal or by the code that a shell makes of it; others are the user's", () => {
  for (const how of fromOutside) assert.equal(reasonOf(how), "lost", `${how.signal ?? how.code}`);
  for (const how of byItself) assert.equal(reasonOf(how), "user-error", `${how.signal ?? how.code}`);
  const { message } = programOutcome(exit(143), { ...course, lastLines: "" });
  assert.equal(message, "the program ended with code 143; it printed nothing");
});

test("a program that has reached its target is done however it is ended from outside, but not if it fails by itself", () => {
  for (const how of [end, ...fromOutside]) assert.equal(reasonOf(how, { hasReached: true }), "done", `${how.signal ?? how.code}`);
  for (const how of byItself) assert.equal(reasonOf(how, { hasReached: true }), "user-error", `${how.signal ?? how.code}`);
  // Asked to stop there, it may answer with any code.
  for (const how of byItself) assert.equal(reasonOf(how, { hasReached: true, wasAsked: true }), "done");
  assert.equal(reasonOf(end, { hasReached: true, stop: "preempted" }), "done", "nothing is left to continue with");
});

test("what was asked from outside comes before how the program answered, and divergence before that", () => {
  for (const how of [end, ...fromOutside, ...byItself]) {
    assert.equal(reasonOf(how, { stop: "preempted" }), "preempted");
    assert.equal(reasonOf(how, { stop: "stopped-early", hasReached: true }), "stopped-early");
    assert.equal(reasonOf(how, { stop: "preempted", diverged: "NaN" }), "diverged");
  }
  const killed = programOutcome({ ...ended("SIGKILL"), wasKilled: true }, { ...course, stop: "preempted" });
  assert.match(killed.message, /did not end in its grace after SIGTERM/);
});

test("what ended by itself before it was asked to stop has its own outcome; what was ended from outside then is stopped", () => {
  const first = (how: ProgramEnd) => ({ ...how, endedFirst: true });
  for (const stop of ["stopped-early", "preempted"] as const) {
    for (const how of byItself) assert.equal(reasonOf(first(how), { stop }), "user-error", `${how.signal ?? how.code}`);
    for (const how of fromOutside) assert.equal(reasonOf(first(how), { stop }), stop, `${how.signal ?? how.code}`);
    assert.equal(reasonOf(first(end), { stop }), "done");
    assert.equal(reasonOf(first({ ...exit(0), code: null, unstarted: "no such program" }), { stop }), "user-error");
  }
});

test("a failure that misses a file says where the program ran, others do not", () => {
  const said = (lastLines: string, place = course.place) => programOutcome(exit(2), { ...course, lastLines, place }).message;
  const missing = [
    "python3: can't open file '/x/train.py': [Errno 2] No such file or directory",
    "Error: Cannot find module '/x/train.js'",
    "Error: ENOENT: open 'data.csv'",
    "ModuleNotFoundError: No module named 'model'",
  ];
  for (const lines of missing)
    assert.equal(said(lines), `the program ended with code 2; it ran in a scratch folder; its last lines:\n${lines}`);
  assert.equal(said("ValueError: x"), "the program ended with code 2; its last lines:\nValueError: x");
  assert.equal(said("ENOENT", ""), "the program ended with code 2; its last lines:\nENOENT");
});

test("a first attempt that measured no objective is the user's error with an example; a later one is for the log to judge", () => {
  const silent = programOutcome(end, { ...course, hasMeasured: false, names: ["loss", "acc"] });
  assert.equal(silent.reason, "user-error");
  assert.match(
    silent.message,
    /code 0 and printed only loss, acc; expected .* \{"step": 10, "val\/loss": 0.5\}; its last lines:\nbye/,
  );
  assert.equal(reasonOf(end, { hasMeasured: false, names: [], isLater: true }), "done");
  assert.doesNotMatch(silent.message, /UNTIL_STEP/, "it was told no step");
  const told = (pauses: boolean) =>
    programOutcome(end, { ...course, hasMeasured: false, names: [], untilStep: 2, pauses, near: "1 line" }).message;
  const asked = "asked to stop at step 2 (REGULUS_UNTIL_STEP): measure there at the latest";
  assert.ok(told(false).includes(`0.5}; it was ${asked}; 1 line; its last`), told(false));
  assert.ok(told(true).includes(`${asked}, or have the strategy pause it later (minSteps of asha); 1 line`), told(true));
  const wrong = programOutcome(end, { ...course, hasMeasured: false, names: [], wrong: '"step" is -1' });
  const near = programOutcome(end, { ...course, hasMeasured: false, names: [], near: "1 line is a JSON object without a step" });
  assert.match(near.message, /0.5}; 1 line is a JSON object without a step; its last lines/);
  assert.match(wrong.message, /printed no measurement; .*; a line was left out: "step" is -1; its last lines/);
});
