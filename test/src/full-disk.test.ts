/**
 * A full disk, for real, under the coordinator (its log and its artifacts) and under an agent (its attempts' folders), while a search runs:
 * errors that say what to do, nothing lost that was acknowledged, and all goes on by itself once there is room.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, type RegulusClient } from "@regulus/client";
import { type Fact, parseSearchDocument, RegulusError } from "@regulus/proto";
import { lostFacts, type Program, type SmallDisk, scratch, smallDisks, startProgram, violations } from "./cluster/index.js";

const trials = 8;
/** Longest wait for anything that must come; far more than it takes, since machines may be busy. */
const patienceMs = 120_000;

for (const [way, open] of smallDisks()) {
  test(`the coordinator's disk is full: ${way}`, async (t) => {
    const disk = await open();
    t.after(() => disk.remove());
    const cluster = await startCluster(t, { coordinatorOn: disk });
    const { client } = cluster;
    const first = await client.createSearch({ spec: spec("first") });
    const heard = listen(t, client, first.searchId);
    await until("some trials", () => count(heard, "trialEnded") >= 1);

    disk.fill(cluster.coordinator.pid);
    const acknowledged: string[] = [];
    const refusedCreation = () =>
      refused(async () => {
        acknowledged.push((await client.createSearch({ spec: spec("later") })).searchId);
      });
    const refusal = await refusedCreation();
    // Reads go on, whenever they come.
    for (let turn = 0; turn < 5; turn += 1) {
      await refusedCreation();
      const { searches } = await client.listSearches();
      assert.deepEqual(new Set(searches.map((search) => search.searchId)), new Set([first.searchId, ...acknowledged]));
      assert.equal((await client.getSearch(first.searchId)).searchId, first.searchId);
    }
    assert.ok(refusal.code === "exhausted" || refusal.code === "unavailable", refusal.code);
    assert.match(refusal.message, /the log can't be written, nothing was changed: .*(free some|check the disk)/);
    const bytes = new Uint8Array(300_000).fill(7);
    const noRoom = await refused(() => client.putArtifact(bytes, { kind: "output" }));
    assert.equal(noRoom.code, "exhausted", noRoom.message);
    // Of a full file system it is known before an upload begins, of a limit on files only when it is met.
    assert.match(noRoom.message, /no space for (an artifact of \d+ bytes: .* kept for the log|artifacts in .*); free some/);

    disk.free(cluster.coordinator.pid);
    const { sha256 } = await eventually(() => client.putArtifact(bytes, { kind: "output" }));
    const last = await eventually(() => client.createSearch({ spec: spec("last"), idempotencyKey: "last" }));
    for (const searchId of [...acknowledged, last.searchId]) await client.stopSearch(searchId, "seen");
    await until("the end", () => count(heard, "searchEnded") === 1);
    await checkWhole(client, first.searchId, heard);

    // What was acknowledged before, while and after is in the log of the next process too.
    await cluster.restart();
    await checkWhole(client, first.searchId, heard);
    for (const searchId of [...acknowledged, last.searchId]) assert.equal((await client.getSearch(searchId)).searchId, searchId);
    const kept: Uint8Array[] = [];
    for await (const piece of client.getArtifact(sha256)) kept.push(piece);
    assert.deepEqual(Buffer.concat(kept), Buffer.from(bytes));
  });
}

/** Not the limit on files, which is the process's own: there no room can be made. */
const fullFileSystem = smallDisks().get("a full file system");

test("on a full file system searches are stopped and deleted, also by the next process", async (t) => {
  // A kernel without name spaces for users: coordinator/src/log/reserve.test.ts has what can be seen without one.
  if (fullFileSystem === undefined) return;
  const disk = await fullFileSystem();
  t.after(() => disk.remove());
  const cluster = await startCluster(t, { coordinatorOn: disk });
  const { client } = cluster;
  const [first, second, third] = [
    await client.createSearch({ spec: spec("first") }),
    await client.createSearch({ spec: spec("second") }),
    await client.createSearch({ spec: spec("third") }),
  ];
  const heard = listen(t, client, first.searchId);
  await until("some trials", () => count(heard, "trialEnded") >= 1);
  disk.fill(cluster.coordinator.pid);
  await refused(() => client.createSearch({ spec: spec("later") }));
  const isOver = async (searchId: string) => {
    // One that was over before the disk was full needs no stop.
    const { status } = await client.stopSearch(searchId, "no room");
    return status === "SEARCH_STATUS_ENDED";
  };
  await eventually(async () => assert.ok(await isOver(first.searchId)));
  await eventually(async () => assert.ok(await isOver(second.searchId)));
  await client.deleteSearch(first.searchId);
  const listed = async () => (await client.listSearches()).searches.map(({ searchId }) => searchId);
  assert.deepEqual(new Set(await listed()), new Set([second.searchId, third.searchId]));
  // What the deletion gave back is taken by others.
  disk.fill(cluster.coordinator.pid);
  await cluster.restart();
  await eventually(async () => assert.ok(await isOver(third.searchId)));
  for (const { searchId } of [second, third]) await client.deleteSearch(searchId);
  assert.deepEqual(await listed(), []);
  disk.free(cluster.coordinator.pid);
  const last = await eventually(() => client.createSearch({ spec: spec("last"), idempotencyKey: "last" }));
  const lastHeard = listen(t, client, last.searchId);
  await until("the end", () => count(lastHeard, "searchEnded") === 1);
  await checkWhole(client, last.searchId, lastHeard);
});

test("an agent's disk is full", async (t) => {
  const [open = assert.fail("no way to fill a disk")] = smallDisks().values();
  const disk = await open();
  t.after(() => disk.remove());
  const { client, agent } = await startCluster(t, { agentOn: disk });
  const { searchId } = await client.createSearch({ spec: spec("first") });
  const heard = listen(t, client, searchId);
  await until("some trials", () => count(heard, "trialEnded") >= 1);
  disk.fill(agent.pid);
  const told = () =>
    heard.find(({ kind }) => {
      const words = kind?.$case === "findingReported" || kind?.$case === "attemptEnded" ? kind.value.message : "";
      return /ENOSPC|EFBIG/.test(words) && /no room|could not begin/.test(words);
    });
  await until("words of the full disk", () => told() !== undefined);
  disk.free(agent.pid);
  await until("the end", () => count(heard, "searchEnded") === 1);
  await checkWhole(client, searchId, heard);
});

/** Many short trials that save often, with more retries than the time without room can take. */
function spec(name: string) {
  return parseSearchDocument({
    name,
    workload: { name: "synthetic-function", options: { function: "sphere", curveHeight: 1, stepMs: 5 } },
    space: { x0: { type: "double", min: -5, max: 5 } },
    objective: { metric: "validLoss" },
    strategy: "random",
    budget: { trials, stepsPerTrial: 60 },
    parallelism: 2,
    retries: { max: 1000, backoff: "100ms" },
    reporting: { measureEverySteps: 4, checkpointEvery: "20ms" },
  });
}

interface Cluster {
  readonly client: RegulusClient;
  readonly coordinator: Program;
  readonly agent: Program;
  /** Kills the coordinator with -9 and starts it again. */
  restart(): Promise<void>;
}

async function startCluster(t: TestContext, on: { coordinatorOn?: SmallDisk; agentOn?: SmallDisk }): Promise<Cluster> {
  const folder = scratch("full-disk");
  const data = `${on.coordinatorOn?.path ?? folder.path}/coordinator`;
  const start = (listen: string) =>
    startProgram("coordinator", ["--listen", listen, "--metrics-listen", "off", "--data", data], on.coordinatorOn?.within);
  let coordinator = await start("127.0.0.1:0");
  const address = coordinator.ready.address ?? "";
  const agentData = `${on.agentOn?.path ?? folder.path}/agent`;
  const backend = ["--slots", "2", "--backend", "cpu"];
  const agent = await startProgram("agent", ["--coordinator", address, ...backend, "--data", agentData], on.agentOn?.within);
  const client = connect(address);
  t.after(async () => {
    client.close();
    await agent.kill();
    await coordinator.kill();
    folder.remove();
  });
  const restart = async () => {
    await coordinator.kill();
    coordinator = await start(address);
    await eventually(() => client.listSearches());
  };
  return { client, coordinator, agent, restart };
}

/** What is heard of a search from its beginning, across restarts. */
function listen(t: TestContext, client: RegulusClient, searchId: string): readonly Fact[] {
  const heard: Fact[] = [];
  const listening = new AbortController();
  t.after(() => listening.abort());
  const work = async () => {
    for await (const { facts } of client.watchSearch(searchId, { signal: listening.signal })) heard.push(...facts);
  };
  void work().catch(() => undefined);
  return heard;
}

async function checkWhole(client: RegulusClient, searchId: string, heard: readonly Fact[]): Promise<void> {
  const log: Fact[] = [];
  for await (const { facts } of client.watchSearch(searchId)) log.push(...facts);
  assert.deepEqual([...violations(log, trials), ...lostFacts(heard, log)], []);
  const reasons = log.flatMap(({ kind }) => (kind?.$case === "trialEnded" ? [kind.value.reason] : []));
  assert.deepEqual(new Set(reasons), new Set(["END_REASON_DONE"]));
}

const count = (facts: readonly Fact[], kind: string) => facts.filter((fact) => fact.kind?.$case === kind).length;

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const beganMs = performance.now(); !holds(); await sleep(20)) {
    assert.ok(performance.now() - beganMs < patienceMs, `${what} did not come in ${patienceMs} ms`);
  }
}

/** Calls until the call is refused: the first ones may still find room in what a file has already. */
async function refused(call: () => Promise<unknown>): Promise<RegulusError> {
  for (const beganMs = performance.now(); performance.now() - beganMs < patienceMs; await sleep(20)) {
    try {
      await call();
    } catch (thrown) {
      return RegulusError.from(thrown);
    }
  }
  return assert.fail("the full disk refused nothing");
}

/** Calls until the call succeeds. */
async function eventually<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  const beganMs = performance.now();
  for (;;) {
    try {
      return await call();
    } catch (thrown) {
      if (performance.now() - beganMs > patienceMs) throw thrown;
      await sleep(100);
    }
  }
}
