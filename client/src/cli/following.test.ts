/** Commands that go on: a coordinator that comes and goes under them, Ctrl-C, and readers that are slower than what is written. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { type TestContext, test } from "node:test";
import { RegulusError, SearchSpec, Trial } from "@regulus/proto";
import type { RegulusClient } from "../connect.js";
import { type CoordinatorTwin, startTwin } from "../testing/coordinator-twin.js";
import { regulus } from "../testing/run-inside.js";
import { reasonOf, withClient } from "./connection.js";
import { onInterrupt } from "./interrupt.js";
import { writeLineSlowly } from "./output.js";
import { SafeOutputStream } from "./safe-output.js";

const spec = SearchSpec.fromPartial({
  name: "digits",
  workload: { name: "mnist-mlp" },
  objectives: [{ metric: "validLoss", direction: "DIRECTION_MINIMIZE" }],
  space: [{ name: "lr", domain: { $case: "double", value: { min: 1e-6, max: 1, scale: "SCALE_LOG" } } }],
  strategy: { name: "random" },
  budget: { trials: 3 },
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

test("a coordinator that goes and comes back is reported once each, and the watch continues to the end", async (t) => {
  const twin = await startTwin(t);
  const kept = twin.add("s1", spec);
  const watching = regulus(["watch", "s1", "--json", "-c", twin.address]);
  const heard = async (count: number) =>
    until(() => kept.watchers.size > 0 && twin.calls.filter((name) => name === "watchSearch").length >= count);
  await heard(1);
  twin.tell("s1", { $case: "searchPaused", value: { reason: "noon" } });
  twin.stop();
  await new Promise((resolve) => setTimeout(resolve, 700));
  await twin.start();
  await heard(2);
  twin.failures.set("watchSearch", [new RegulusError("exhausted", "too slow")]);
  for (const watcher of kept.watchers) watcher.emit("error", { code: 8, details: "too slow" });
  kept.watchers.clear();
  await heard(3);
  await until(() => kept.watchers.size > 0);
  twin.tell("s1", { $case: "searchEnded", value: { outcome: "SEARCH_OUTCOME_COMPLETED", reason: "done" } });
  const { code, stdout, stderr } = await watching;
  assert.equal(code, 0);
  const positions = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line).position);
  assert.deepEqual(positions, [1, 2]);
  const lines = stderr.trimEnd().split("\n");
  assert.equal(lines.filter((line) => line.startsWith("the coordinator is away (")).length, 1, stderr);
  assert.ok(lines.filter((line) => line === "the coordinator is back").length === 1, stderr);
  assert.ok(lines.includes("the coordinator dropped this watch, which read too slowly; continuing from there"), stderr);
});

test("watch --json begins after the position that is asked for", async (t) => {
  const twin = await startTwin(t);
  twin.add("s1", spec);
  for (const reason of ["a", "b", "c"]) twin.tell("s1", { $case: "searchPaused", value: { reason } });
  twin.tell("s1", { $case: "searchEnded", value: { outcome: "SEARCH_OUTCOME_STOPPED", reason: "" } });
  const { code, stdout } = await regulus(["watch", "s1", "--json", "--after", "2", "-c", twin.address]);
  const lines = stdout.trimEnd().split("\n");
  assert.deepEqual([code, ...lines.map((line) => JSON.parse(line).position)], [0, 3, 4]);
});

test("a trial is shown although its output can't be had now, with words; another failure is one of the command", async (t) => {
  const twin = await startTwin(t);
  const kept = twin.add("s1", spec);
  kept.exported.push({ trial: Trial.fromPartial({ searchId: "s1", trial: 0 }), measurements: [] });
  twin.failures.set(
    "getTrialOutput",
    Array.from({ length: 5 }, () => new RegulusError("unavailable", "its agent is away")),
  );
  const shown = await regulus(["show", "s1", "0", "-c", twin.address]);
  assert.deepEqual([shown.code, shown.stderr], [0, "its agent is away\n"]);
  assert.match(shown.stdout, /^trial +0 of s1\n/);
  twin.failures.set("getTrialOutput", [new RegulusError("data-loss", "broken")]);
  assert.equal((await regulus(["show", "s1", "0", "-c", twin.address])).code, 7);
});

for (const [words, left] of [
  [["watch", "s1"], /^left; the search continues\. regulus watch s1 follows it again, regulus stop s1 ends it$/m],
  [["logs", "s1", "0", "--follow"], /^left; the trial continues$/m],
] as const) {
  test(`Ctrl-C leaves regulus ${words[0]} with code 130, and gives the signal back`, async (t) => {
    const twin = await startTwin(t);
    const kept = twin.add("s1", spec);
    kept.exported.push({ trial: Trial.fromPartial({ searchId: "s1", trial: 0 }), measurements: [] });
    twin.outputs.set("s1/0", { text: "begun\n", ended: false, attempt: 1 });
    const before = process.listenerCount("SIGINT");
    const running = regulus([...words, "-c", twin.address]);
    await until(() => twin.calls.includes("watchSearch") || twin.calls.includes("getTrialOutput"));
    process.emit("SIGINT");
    const { code, stderr } = await running;
    assert.deepEqual([code, process.listenerCount("SIGINT")], [130, before]);
    assert.match(stderr, left);
  });
}

test("a first interrupt asks, a second one ends the process; once released, none is heard", (t) => {
  const exits: unknown[] = [];
  t.mock.method(process, "exit", (code: unknown) => void exits.push(code));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    exits.length = 0;
    const interrupt = onInterrupt();
    assert.equal(interrupt.signal.aborted, false);
    process.emit(signal);
    assert.deepEqual([interrupt.signal.aborted, exits], [true, []]);
    process.emit(signal);
    assert.deepEqual(exits, [130]);
    interrupt.release();
    assert.equal(process.listeners(signal).length, 0);
  }
});

test("no coordinator: the message names the address, the reason and the remedy", async () => {
  assert.equal(
    reasonOf("No connection established. Last error: connect ECONNREFUSED 127.0.0.1:1. Resolution note: \nmore"),
    "ECONNREFUSED 127.0.0.1:1",
  );
  assert.equal(reasonOf("Last error: connect ETIMEDOUT 10.0.0.1:7711 (2026)"), "ETIMEDOUT 10.0.0.1:7711");
  assert.equal(reasonOf("Name resolution failed Resolution note: "), "Name resolution failed");
  assert.equal(reasonOf("another reason\nand more"), "another reason");
  const fail = (code: "unavailable" | "not-found") =>
    withClient({ coordinator: "127.0.0.1:1" }, () => Promise.reject(new RegulusError(code, "words")));
  await assert.rejects(fail("unavailable"), {
    code: "unavailable",
    message:
      "no coordinator answers at 127.0.0.1:1 (words); start one with `regulus up`, or name another one with --coordinator; one that is not on this machine needs --tls-ca",
  });
  await assert.rejects(fail("not-found"), { code: "not-found", message: "words" });
  let closed: RegulusClient | undefined;
  const answer = await withClient({ coordinator: "127.0.0.1:1" }, async (client) => {
    closed = client;
    return 7;
  });
  assert.equal(answer, 7);
  await assert.rejects(closed?.listAgents() ?? assert.fail(), /shut down/);
  for (const flags of [{ tlsCert: "a" }, { tlsKey: "a" }]) {
    const missing = flags.tlsCert === undefined ? "--tls-cert" : "--tls-key";
    await assert.rejects(
      withClient({ coordinator: "127.0.0.1:1", ...flags }, async () => 1),
      { code: "invalid-argument", message: `--tls-cert and --tls-key go together; missing: ${missing}` },
    );
  }
});

test("a line waits for a reader that is full", async () => {
  const taken: (() => void)[] = [];
  const slow = new Writable({ highWaterMark: 4, write: (_piece, _encoding, done) => void taken.push(() => done()) });
  let isWritten = false;
  const writing = writeLineSlowly("more than four", slow).then(() => {
    isWritten = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isWritten, false);
  taken.shift()?.();
  await writing;
});

test("in a long line an escape sequence that is cut by a piece is taken out all the same, and one that never ends does not hold the line back", () => {
  const encode = (text: string) => new TextEncoder().encode(text);
  const long = "x".repeat(9000);
  for (const [first, second] of [
    [`${long}\u001b[3`, "1mred"],
    [`${long}\u001b]0;tit`, "le\u0007red"],
    [`${long}\u009b`, "31mred"],
  ] as const) {
    const stream = new SafeOutputStream();
    assert.equal(stream.add(encode(first)), long);
    assert.equal(stream.add(encode(second)) + stream.end(), "red");
  }
  const stream = new SafeOutputStream();
  const endless = `${long}\u001b]0;${"t".repeat(300)}`;
  assert.ok(stream.add(encode(endless)).length >= 9000);
  assert.equal(stream.end(), "");
  assert.equal(new SafeOutputStream().add(encode("x".repeat(8192))), "", "a line of the usual length waits for its end");
});

async function exported(t: TestContext, run: (twin: CoordinatorTwin, folder: string) => Promise<void>): Promise<void> {
  const twin = await startTwin(t);
  const folder = mkdtempSync(join(tmpdir(), "regulus-export-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const kept = twin.add("s1", spec);
  for (const trial of [0, 1]) kept.exported.push({ trial: Trial.fromPartial({ searchId: "s1", trial }), measurements: [] });
  await run(twin, folder);
}

test("an export or an artifact that fails leaves an earlier file as it was and nothing beside it; one that succeeds replaces it and says how much", async (t) => {
  await exported(t, async (twin, folder) => {
    const file = join(folder, "trials");
    writeFileSync(file, "earlier");
    const at = ["-o", file, "-c", twin.address];
    twin.failures.set("exportSearch", [new RegulusError("data-loss", "broken")]);
    assert.equal((await regulus(["export", "s1", ...at])).code, 7);
    const kept = twin.searches.get("s1")?.exported[0]?.trial ?? assert.fail();
    const sha256 = "0".repeat(64);
    kept.artifacts.push({ kind: "image", sha256, size: 5 });
    twin.artifacts.set(sha256, Buffer.from("other"));
    assert.equal((await regulus(["artifact", "s1", "0", "image", ...at])).code, 7);
    assert.deepEqual([readdirSync(folder), readFileSync(file, "utf8")], [["trials"], "earlier"]);
    const lines = await regulus(["export", "s1", ...at]);
    assert.deepEqual(lines, { code: 0, stdout: "", stderr: `2 trials written to ${file}\n` });
    assert.deepEqual(
      readFileSync(file, "utf8")
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line).trial.trial),
      [0, 1],
    );
    const piped = await regulus(["export", "s1", "-o", "-", "-c", twin.address]);
    assert.equal(piped.stdout, readFileSync(file, "utf8"));
    assert.match((await regulus(["export", "s1", "-f", "csv", ...at])).stderr, /^2 trials written/);
    twin.searches.get("s1")?.exported.pop();
    assert.match((await regulus(["export", "s1", ...at])).stderr, /^1 trial written/);
    assert.deepEqual(readdirSync(folder), ["trials"]);
  });
});
