/** What is typed is what is asked for: flags reach the coordinator, wrong ones are refused before anything is sent, and every failure has its exit code. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ErrorCode, RegulusError, Search, SearchSpec, Trial } from "@regulus/proto";
import type { Command, Option } from "commander";
import { type CoordinatorTwin, startTwin } from "../testing/coordinator-twin.js";
import { regulus } from "../testing/run-inside.js";
import { toJson } from "./json.js";
import { createProgram } from "./program.js";

const spec = SearchSpec.fromPartial({
  name: "digits",
  workload: { name: "mnist-mlp" },
  objectives: [{ metric: "validLoss", direction: "DIRECTION_MINIMIZE" }],
  budget: { trials: 3, steps: 1, wallTimeMs: 5_400_000, failures: 1 },
});
const commands = createProgram().commands.filter(
  (command) => !["demo", "coordinator", "agent", "up", "doctor"].includes(command.name()),
);

/** What a command needs to be complete. */
function arguments_(command: Command): string[] {
  return command.registeredArguments.filter(({ required }) => required).map((one) => (one.name() === "trial" ? "0" : "s1"));
}

/** Values that an option of this kind refuses. */
function wrongValues({ long, parseArg, argChoices }: Option): readonly string[] {
  if (argChoices !== undefined) return ["", "no-such-choice"];
  if (long === "--label") return ["", "team", "=vision"];
  if (long === "--output") return parseArg === undefined ? [] : [""];
  if (long === "--wall-time") return ["", "fast", "-1s"];
  return parseArg === undefined ? [] : ["", "-1", "1.5", "1e3", "x", "0x10", " 1", "1234567890123456"];
}

test("every command refuses an unknown flag, a missing and a surplus argument and every wrong value of a flag, with advice and code 2", async () => {
  assert.equal(commands.length, 18);
  for (const command of commands) {
    const whole = [command.name(), ...arguments_(command)];
    const isOpen = command.registeredArguments.some(({ variadic }) => variadic);
    const wrong = [[...whole, "--no-such-flag"], ...(isOpen ? [] : [[...whole, "s2", "s3", "s4", "s5"]])];
    if (whole.length > 1) wrong.push([command.name()]);
    for (const argument of command.registeredArguments)
      if (argument.parseArg !== undefined) wrong.push([command.name(), "s1", "first"], [command.name(), "s1", "-1"]);
    for (const option of command.options)
      for (const value of wrongValues(option)) wrong.push([...whole, `${option.long}=${value}`]);
    for (const words of wrong) {
      const { code, stdout, stderr } = await regulus(words);
      assert.deepEqual([code, stdout], [2, ""], words.join(" "));
      assert.match(stderr, new RegExp(`^error: .+\n+\\(regulus ${command.name()} --help tells more\\)\n$`), words.join(" "));
    }
    const { code, stdout } = await regulus([command.name(), "--help"]);
    assert.deepEqual([code, stdout.includes(`Usage: regulus ${command.name()} `)], [0, true]);
  }
});

const codes: Readonly<Record<Exclude<ErrorCode, "unavailable" | "not-found" | "invalid-argument">, number>> = {
  internal: 1,
  "out-of-range": 2,
  deadline: 4,
  exhausted: 4,
  "already-exists": 5,
  conflict: 5,
  "failed-precondition": 5,
  "permission-denied": 6,
  unauthenticated: 6,
  "data-loss": 7,
  cancelled: 4,
};

test("a failure of the coordinator has the exit code of its kind, its words on standard error, and its parts in JSON", async (t) => {
  const twin = await startTwin(t);
  twin.add("s1", spec);
  for (const [code, exit] of Object.entries(codes)) {
    const fail = () =>
      twin.failures.set(
        "explainSearch",
        Array.from({ length: 5 }, () => new RegulusError(code as ErrorCode, "words of it")),
      );
    fail();
    const words = await regulus(["explain", "s1", "-c", twin.address]);
    assert.deepEqual([words.code, words.stdout], [exit, ""], code);
    assert.match(words.stderr, /^regulus: .*words of it/);
    assert.equal(words.stderr.includes("This is a bug of Regulus, please report it."), code === "internal");
    if (code === "cancelled") continue;
    fail();
    const json = await regulus(["explain", "s1", "--json", "-c", twin.address]);
    assert.equal(json.code, exit);
    assert.deepEqual(JSON.parse(json.stderr), { error: { code, message: "words of it", problems: [] } });
  }
  twin.failures.clear();
  const problems = [
    { field: "trials", seen: "2,000,000", expected: "at most 1,000,000" },
    { field: "other", seen: "1", expected: "0" },
  ];
  twin.failures.set("extendSearch", [RegulusError.invalid(problems), RegulusError.invalid(problems.slice(0, 1))]);
  const extend = ["extend", "s1", "--trials", "2000000", "-c", twin.address];
  const two = "regulus: 2 problems:\n  --trials: saw 2,000,000, expected at most 1,000,000\n  other: saw 1, expected 0\n";
  assert.deepEqual(await regulus(extend), { code: 2, stdout: "", stderr: two });
  const json = JSON.parse((await regulus([...extend, "--json"])).stderr);
  assert.deepEqual(json.error.problems, [{ ...problems[0], field: "--trials" }]);
  twin.failures.set("resumeSearch", [
    new RegulusError("failed-precondition", "search s1 has ended"),
    new RegulusError("failed-precondition", "search s1 runs"),
  ]);
  const resumed = await regulus(["resume", "s1", "-c", twin.address]);
  assert.equal(resumed.stderr, "regulus: search s1 has ended: regulus extend s1 --trials N, or regulus retry s1\n");
  assert.equal((await regulus(["resume", "s1", "-c", twin.address])).stderr, "regulus: search s1 runs\n");
});

test("a bug shows its stack to its reporter, and a failure of the world never does", async (t) => {
  const twin = await startTwin(t);
  twin.add("s1", spec);
  const broken = { [Symbol.iterator]: undefined, length: 1 };
  twin.failures.set("explainSearch", [broken as never]);
  const { code, stderr } = await regulus(["explain", "s1", "-c", twin.address]);
  assert.equal(code, 1);
  assert.doesNotMatch(stderr, /^\s+at /m, "the stack of the coordinator's error is not ours");
});

/** The newest request of a call. */
function asked(twin: CoordinatorTwin, call: string): Record<string, unknown> {
  const request = twin.requests.get(call)?.at(-1);
  return typeof request === "object" && request !== null ? { ...request } : assert.fail(`no ${call}`);
}

test("flags and arguments arrive as they were typed, and absent ones as their defaults", async (t) => {
  const twin = await startTwin(t);
  twin.add("s1", spec);
  twin.add("s2", { ...spec, labels: { team: "vision", "a=b": "" } });
  const run = async (words: string) => {
    const { code, stderr } = await regulus([...words.split(" "), "-c", twin.address]);
    assert.equal(code, 0, `${words}: ${stderr}`);
  };
  const rows: readonly (readonly [words: string, call: string, request: Readonly<Record<string, unknown>>])[] = [
    ["ls", "listSearches", { statuses: [], nameContains: "", labels: {}, pageSize: 100, view: "SEARCH_VIEW_BASIC" }],
    ["ls --json --limit 7", "listSearches", { pageSize: 7, view: "SEARCH_VIEW_FULL" }],
    ["ls --limit 500", "listSearches", { pageSize: 100 }],
    ...(["running", "paused", "stopping", "ended"] as const).map(
      (status) => [`ls --status ${status}`, "listSearches", { statuses: [`SEARCH_STATUS_${status.toUpperCase()}`] }] as const,
    ),
    ["ls --name x --label a=b=c --label d=", "listSearches", { nameContains: "x", labels: { a: "b=c", d: "" } }],
    ["show s1", "listTrials", { searchId: "s1", bestFirst: true, pageSize: 20 }],
    ["show s1 --by-number --limit 3", "listTrials", { bestFirst: false, pageSize: 3 }],
    ["show s1 --limit 5000", "listTrials", { pageSize: 1000 }],
    ["explain s1", "explainSearch", { searchId: "s1", trial: undefined }],
    ["explain s1 0", "explainSearch", { trial: 0 }],
    ["pause s1", "pauseSearch", { searchId: "s1", reason: "paused by the user" }],
    ["pause s1 --reason noon", "pauseSearch", { reason: "noon" }],
    ["resume s1", "resumeSearch", { searchId: "s1" }],
    [
      "extend s1 --trials 4 --steps 5 --wall-time 1m30s --failures 6",
      "extendSearch",
      { trials: 4, steps: 5, wallTimeMs: 90_000, failures: 6 },
    ],
    ["extend s1 --steps 5", "extendSearch", { searchId: "s1", trials: 0, steps: 5, wallTimeMs: 0, failures: 0 }],
    ["retry s1", "retryTrials", { searchId: "s1", trials: [] }],
    ["retry s1 0", "retryTrials", { trials: [0] }],
    ["stop s1", "stopSearch", { searchId: "s1", reason: "stopped by the user" }],
    ["stop s2 --reason late", "stopSearch", { searchId: "s2", reason: "late" }],
  ];
  for (const [words, call, request] of rows) {
    await run(words);
    const seen = asked(twin, call);
    assert.deepEqual(Object.fromEntries(Object.keys(request).map((name) => [name, seen[name]])), request, words);
  }
  const before = twin.calls.length;
  await run("show s1 --limit 0");
  assert.equal(twin.calls.slice(before).includes("listTrials"), false);
  await run("delete s1 s2 s1");
  assert.deepEqual(twin.requests.get("deleteSearch"), [{ searchId: "s1" }, { searchId: "s2" }]);
});

test("of several searches to delete none is gone where one of them is not found", async (t) => {
  const twin = await startTwin(t);
  for (const id of ["s1", "s2"]) twin.add(id, spec, { status: "SEARCH_STATUS_ENDED" });
  assert.equal((await regulus(["delete", "s1", "s3", "-c", twin.address])).code, 3);
  assert.equal(twin.searches.size, 2);
  const json = await regulus(["delete", "s1", "s1", "s2", "--json", "-c", twin.address]);
  assert.deepEqual([JSON.parse(json.stdout), json.stderr], [{ deleted: ["s1", "s2"] }, ""]);
});

test("with --json a command answers the coordinator's own messages and nothing else", async (t) => {
  const twin = await startTwin(t);
  const kept = twin.add("s1", spec, Search.fromPartial({ searchId: "s1", spec, bestTrial: 0, bestValue: 0.5 }));
  const trial = Trial.fromPartial({ searchId: "s1", trial: 0, status: "TRIAL_STATUS_ENDED", work: { parameters: { lr: 0.1 } } });
  const artifacts = [{ kind: "image", sha256: "a".repeat(64), size: 1 }];
  kept.exported.push({ trial: { ...trial, artifacts }, measurements: [] });
  twin.tell("s1", { $case: "findingReported", value: { trial: 0, source: "s", severity: "info", message: "m", key: undefined } });
  twin.tell("s1", { $case: "trialStopRequested", value: { trial: 0, reason: "r" } });
  const whole = { ...trial, artifacts };
  const { facts } = kept;
  const plain = (value: unknown) => JSON.parse(toJson(value));
  const rows: readonly (readonly [words: string, answer: () => unknown])[] = [
    ["ls", () => ({ searches: [kept.search] })],
    ["show s1", () => ({ search: kept.search, trials: [whole], news: facts.slice(0, 1) })],
    ["show s1 0", () => ({ trial: whole, facts })],
    ["best s1", () => ({ searchId: "s1", objective: spec.objectives[0], bestValue: 0.5, trial: whole })],
    [
      "explain s1 0",
      () => ({
        searchId: "s1",
        trial: 0,
        summary: "trial 0 waits for an agent",
        explanations: [{ text: "no agent is connected", position: 3 }],
      }),
    ],
    ["artifact s1 0", () => ({ artifacts })],
    ["agents", () => ({ agents: [] })],
    ["stop s1 0", () => ({ trial: whole })],
    ["pause s1", () => ({ search: kept.search })],
    ["resume s1", () => ({ search: kept.search })],
    ["extend s1 --trials 1", () => ({ search: kept.search })],
    ["retry s1 0", () => ({ search: kept.search, trials: [0] })],
    ["stop s1", () => ({ search: kept.search })],
  ];
  for (const [words, answer] of rows) {
    const { code, stdout, stderr } = await regulus([...words.split(" "), "--json", "-c", twin.address]);
    assert.deepEqual([code, stderr], [0, ""], words);
    assert.deepEqual(JSON.parse(stdout), plain(answer()), words);
  }
});
