/** The client against a real gRPC server: what is repeated and what is not, resumed watches, artifacts, errors with their problems. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { type TestContext, test } from "node:test";
import { type Fact, parseSearchDocument, RegulusError, type Trial } from "@regulus/proto";
import { callRetries } from "./calls/retries.js";
import { connect, type RegulusClient } from "./connect.js";
import { type CoordinatorTwin, startTwin } from "./testing/coordinator-twin.js";

const spec = parseSearchDocument({
  name: "ridge",
  workload: "ridge",
  objective: { metric: "validLoss" },
  strategy: "random",
  space: { weightDecay: { type: "double", min: 1e-6, max: 1, scale: "log" } },
  budget: { trials: 4 },
});

test("a call is repeated over a short absence with the same key, and given up with a code", async (t) => {
  const { twin, client } = await begin(t);
  const away = () => new RegulusError("unavailable", "restarting");
  twin.failures.set("createSearch", [away(), away()]);
  const search = await client.createSearch({ spec });
  assert.deepEqual(twin.calls, ["createSearch", "createSearch", "createSearch"]);
  assert.equal(twin.searches.size, 1);
  assert.deepEqual(await client.getSearch(search.searchId), search);

  twin.failures.set("listAgents", Array.from({ length: 9 }, away));
  await assert.rejects(client.listAgents(), { code: "unavailable" });
  assert.equal(twin.calls.filter((name) => name === "listAgents").length, callRetries.triesMax);
});

test("a lost answer to create makes no second search, since the key is the same", async (t) => {
  const { twin, client } = await begin(t);
  const first = await client.createSearch({ spec, idempotencyKey: "k" });
  const second = await client.createSearch({ spec, idempotencyKey: "k" });
  assert.equal(first.searchId, second.searchId);
  assert.deepEqual(twin.keysSeen, ["k", "k"]);
});

test("delete is never repeated by itself, and only unavailable is", async (t) => {
  const { twin, client } = await begin(t);
  twin.failures.set("deleteSearch", [new RegulusError("unavailable", "restarting")]);
  await assert.rejects(client.deleteSearch("s1"), { code: "unavailable" });
  twin.failures.set("getSearch", [new RegulusError("exhausted", "full")]);
  await assert.rejects(client.getSearch("s1"), { code: "exhausted" });
  assert.deepEqual(twin.calls, ["deleteSearch", "getSearch"]);
});

test("problems of a refused search arrive one by one", async (t) => {
  const { client } = await begin(t);
  const refused = client.createSearch({ spec: { ...spec, name: "", priority: 1000, objectives: [] } });
  await assert.rejects(refused, (error: RegulusError) => {
    assert.equal(error.code, "invalid-argument");
    assert.deepEqual(error.problems.map(({ field }) => field).sort(), ["name", "objectives", "priority"]);
    return true;
  });
});

test("pages are read to the end", async (t) => {
  const { twin, client } = await begin(t);
  for (let index = 0; index < 25; index += 1) twin.add(`s${index}`, spec);
  const ids: string[] = [];
  for await (const search of client.searches({ pageSize: 10 })) ids.push(search.searchId);
  assert.equal(new Set(ids).size, 25);
  assert.equal(twin.calls.length, 3);
});

test("a watch tells every fact once, in order, over two restarts of the coordinator", async (t) => {
  const { twin, client } = await begin(t);
  twin.add("s1", spec);
  const propose = (trial: number) => twin.tell("s1", { $case: "trialProposed", value: { trial, work: undefined } });
  for (const trial of [0, 1]) propose(trial);
  const away: string[] = [];
  let backs = 0;
  const watch = client.watchSearch("s1", { onAway: (error) => away.push(error.code), onBack: () => (backs += 1) });
  const seen: number[] = [];
  for await (const { facts } of watch) {
    seen.push(...facts.map(({ position }) => position));
    if (seen.length === 2 || seen.length === 4) {
      twin.stop();
      for (const trial of [2, 3]) propose(trial);
      await twin.start();
    } else if (seen.length === 6) {
      twin.tell("s1", { $case: "searchEnded", value: { outcome: "SEARCH_OUTCOME_COMPLETED", reason: "" } });
    }
  }
  assert.deepEqual(seen, [1, 2, 3, 4, 5, 6, 7]);
  assert.equal(backs, 2);
  assert.ok(away.length >= 2 && away.every((code) => code === "unavailable"), away.join());
});

test("a watch that ends before the search does is opened again; one of an ended search is not", async (t) => {
  const { twin, client } = await begin(t);
  const kept = twin.add("s1", spec);
  twin.tell("s1", { $case: "searchResumed", value: {} });
  const positions: number[] = [];
  const reading = read(client, positions);
  while (kept.watchers.size === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  for (const watcher of kept.watchers) watcher.end();
  kept.watchers.clear();
  while (kept.watchers.size === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  twin.tell("s1", { $case: "searchEnded", value: { outcome: "SEARCH_OUTCOME_COMPLETED", reason: "" } });
  await reading;
  assert.deepEqual(positions, [1, 2]);

  const before = twin.calls.length;
  const late: Fact[] = [];
  for await (const { facts } of client.watchSearch("s1", { after: 2 })) late.push(...facts);
  assert.deepEqual(late, []);
  assert.deepEqual(twin.calls.slice(before), ["watchSearch", "getSearch"]);
});

test("a watch fails at once on permanent errors, after a bounded absence, and on abort", async (t) => {
  const { twin, client } = await begin(t);
  await assert.rejects(drain(client, "nothing"), { code: "not-found" });
  assert.equal(twin.calls.length, 1);

  twin.add("s1", spec);
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 50);
  await assert.rejects(drain(client, "s1", { signal: controller.signal }), { code: "cancelled" });

  twin.stop();
  await assert.rejects(drain(client, "s1", { awayMsMax: 300 }), { code: "unavailable" });
});

test("a reader that leaves a watch ends the call", async (t) => {
  const { twin, client } = await begin(t);
  const kept = twin.add("s1", spec);
  for await (const _ of client.watchSearch("s1")) break;
  const deadline = performance.now() + 60_000;
  while (kept.watchers.size > 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(kept.watchers.size, 0);
});

test("artifacts come back byte for byte, and damaged ones are noticed", async (t) => {
  const { twin, client } = await begin(t);
  for (const bytes of [randomBytes(700_000), Buffer.alloc(0), randomBytes(8_000_000)]) {
    const ref = await client.putArtifact(bytes, { kind: "report" });
    assert.equal(ref.sha256, createHash("sha256").update(bytes).digest("hex"));
    const pieces: Uint8Array[] = [];
    for await (const piece of client.getArtifact(ref.sha256)) pieces.push(piece);
    assert.ok(Buffer.concat(pieces).equals(bytes));
  }
  const name = "0".repeat(64);
  twin.artifacts.set(name, Buffer.from("something else"));
  await assert.rejects(
    async () => {
      for await (const _ of client.getArtifact(name));
    },
    { code: "data-loss" },
  );
});

test("an exported trial that came in two messages is one", async (t) => {
  const { twin, client } = await begin(t);
  const kept = twin.add("s1", spec);
  const measured = (step: number) => ({
    step,
    metrics: { validLoss: 1 / step },
    learned: {},
    scales: {},
    hypergradients: {},
    vectors: {},
    seconds: step,
  });
  const trial = (number: number) => ({ ...emptyTrial, trial: number });
  kept.exported.push(
    { trial: trial(0), measurements: [measured(1)] },
    { trial: trial(0), measurements: [measured(2)] },
    { trial: trial(1), measurements: [] },
  );
  const steps: number[][] = [];
  for await (const one of client.exportSearch("s1")) steps.push(one.measurements.map(({ step }) => step));
  assert.deepEqual(steps, [[1, 2], []]);
});

test("wrong addresses and half a certificate are refused before anything is sent", () => {
  for (const address of ["", "localhost", "127.0.0.1:0", "a:70000", "http://a:1", "a b:1"]) {
    assert.throws(() => connect(address), { code: "invalid-argument" }, address);
  }
  assert.throws(() => connect("127.0.0.1:7711", { tls: { cert: Buffer.from("x") } }), { code: "invalid-argument" });
});

const emptyTrial: Trial = {
  searchId: "s1",
  trial: 0,
  status: "TRIAL_STATUS_ENDED",
  reason: "END_REASON_DONE",
  message: "",
  work: undefined,
  attempts: 1,
  last: undefined,
  best: undefined,
  checkpoint: undefined,
  artifacts: [],
  agentId: "",
  proposedMs: 0,
  startedMs: 0,
  checkpointStep: 0,
  bestCheckpoint: undefined,
  bestCheckpointStep: 0,
  endedMs: 0,
};

async function begin(t: TestContext): Promise<{ twin: CoordinatorTwin; client: RegulusClient }> {
  const twin = await startTwin(t);
  const client = connect(twin.address);
  t.after(() => client.close());
  return { twin, client };
}

async function read(client: RegulusClient, positions: number[]): Promise<void> {
  for await (const { facts } of client.watchSearch("s1")) positions.push(...facts.map(({ position }) => position));
}

async function drain(
  client: RegulusClient,
  searchId: string,
  options: Parameters<RegulusClient["watchSearch"]>[1] = {},
): Promise<void> {
  for await (const _ of client.watchSearch(searchId, options));
}
