/**
 * Ensembles of stored predictions on real processes: undisturbed, and with the agent and the coordinator killed with -9 while the first trial trains and when the
 * combination begins. All is the same to the last bit; the loss is that of the stored files; a search takes up what another one left, also once that is deleted.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { bytesSource, PredictionsFile } from "@regulus/algorithms/predictions";
import { connect, type RegulusClient } from "@regulus/client";
import { type Fact, parseSearchDocument, type Trial } from "@regulus/proto";
import { type Program, scratch, startProgram } from "./cluster/index.js";

const common = {
  workload: { name: "mnist-mlp", options: { trainSize: 400, validSize: 60, tuneSize: 20, hiddenUnits: [12], steps: 120 } },
  objective: { metric: "validLoss", value: "last" },
  space: { learningRate: { type: "double", min: 0.02, max: 0.2, scale: "log" } },
  reporting: { predictions: { splits: ["valid"], precision: "float16" } },
  parallelism: 2,
  seed: 5,
};
const ensemble = parseSearchDocument({ name: "members", strategy: { name: "ensemble", options: { members: 3 } }, ...common });

/** A coordinator and an agent that can be killed and come back as themselves. */
class Cluster {
  #coordinator: Program | undefined;
  #agent: Program | undefined;
  client: RegulusClient | undefined;
  readonly #folder: string;
  #port = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async start(): Promise<RegulusClient> {
    const listen = ["--listen", `127.0.0.1:${this.#port}`, "--metrics-listen", "off"];
    this.#coordinator = await startProgram("coordinator", [...listen, "--data", this.#folder]);
    const address = this.#coordinator.ready.address ?? "";
    this.#port = Number(address.split(":").at(-1));
    const own = ["--id", "agent", "--slots", "2", "--backend", "wasm", "--data", `${this.#folder}/agent`];
    this.#agent = await startProgram("agent", ["--coordinator", address, ...own]);
    this.client?.close();
    this.client = connect(address);
    return this.client;
  }

  async kill(): Promise<void> {
    await this.#agent?.kill();
    await this.#coordinator?.kill();
  }
}

test("an ensemble is the same to the last bit whoever is killed, and its loss is that of the files that its members left", async (t) => {
  const whole = await run(t, []);
  const disturbed = await run(t, [
    { $case: "trialMeasured", trial: 0 },
    { $case: "attemptStarted", trial: 3 },
  ]);
  assert.equal(disturbed.trials[0]?.attempts, 2, "its first attempt was lost");
  assert.deepEqual(disturbed.trials.map(outcome), whole.trials.map(outcome));

  const { client, trials } = whole;
  const combination = trials.at(-1);
  assert.deepEqual([trials.length, combination?.work?.procedure, combination?.work?.inputs.length], [4, "combine", 3]);
  const members = await Promise.all(
    (combination?.work?.inputs ?? []).map(({ artifact }) => predictions(client, artifact?.sha256 ?? "")),
  );
  const loss = meanLoss(members);
  assert.ok(
    Math.abs((combination?.last?.metrics.validLoss ?? 0) - loss) < 1e-9,
    `${combination?.last?.metrics.validLoss}, not ${loss}`,
  );
});

test("a search combines the best that another one left, though that one is deleted before it begins", async (t) => {
  const { client, trials } = await run(t, []);
  const strategy = { name: "ensemble", options: { members: 0, mean: "logits" } };
  const inputs = [{ search: "members", best: 2, kinds: ["predictions-valid"] }];
  const { searchId } = await client.createSearch({
    spec: parseSearchDocument({ name: "best two", strategy, inputs, ...common }),
  });
  await client.deleteSearch(trials[0]?.searchId ?? "");
  await over(client, searchId);
  const [combination, ...rest] = await trialsOf(client, searchId);
  assert.deepEqual([combination?.work?.procedure, combination?.reason, rest.length], ["combine", "END_REASON_DONE", 0]);
  const best = trials
    .filter(({ work }) => work?.procedure === "fit")
    .sort((a, b) => (a.value ?? 0) - (b.value ?? 0))
    .slice(0, 2);
  assert.deepEqual(
    combination?.work?.inputs.map((input) => [input.searchId, input.trial]),
    best.map(({ searchId: from, trial }) => [from, trial]),
  );
  assert.equal(combination?.last?.metrics.members, 2);
});

/** The first fact of a kind about a trial. */
interface Moment {
  readonly $case: "trialMeasured" | "attemptStarted";
  readonly trial: number;
}

/** Runs the search of members in a cluster of its own, which is killed and started again at some moments. */
async function run(t: TestContext, killAt: readonly Moment[]): Promise<{ client: RegulusClient; trials: Trial[] }> {
  const folder = scratch("ensemble");
  const cluster = new Cluster(folder.path);
  t.after(async () => {
    cluster.client?.close();
    await cluster.kill();
    folder.remove();
  });
  let client = await cluster.start();
  const { searchId } = await client.createSearch({ spec: ensemble });
  for (const { $case, trial } of killAt) {
    await over(client, searchId, ({ kind }) => kind?.$case === $case && kind.value.trial === trial);
    await cluster.kill();
    client = await cluster.start();
  }
  await over(client, searchId);
  return { client, trials: await trialsOf(client, searchId) };
}

/** Waits for a fact; absent for the end of the search. */
async function over(client: RegulusClient, searchId: string, found?: (fact: Fact) => boolean): Promise<void> {
  for await (const { facts } of client.watchSearch(searchId)) if (found !== undefined && facts.some(found)) return;
}

async function trialsOf(client: RegulusClient, searchId: string): Promise<Trial[]> {
  const trials: Trial[] = [];
  for await (const trial of client.trials({ searchId })) trials.push(trial);
  return trials.sort((a, b) => a.trial - b.trial);
}

/** What came of a trial, without who worked on it when. */
function outcome({ trial, work, last, reason, artifacts }: Trial): string {
  const inputs = work?.inputs.map((input) => [input.trial, input.artifact?.sha256]);
  return JSON.stringify([trial, work?.parameters, inputs, reason, last?.step, last?.metrics, artifacts]);
}

async function predictions(client: RegulusClient, sha256: string) {
  const pieces: Uint8Array[] = [];
  for await (const piece of client.getArtifact(sha256)) pieces.push(piece);
  const file = await PredictionsFile.open(bytesSource(Buffer.concat(pieces)));
  return { classes: file.classes, ...(await file.read(0, file.rows)) };
}

/** Negative log-likelihood of the mean of probabilities, from the definition. */
function meanLoss(members: readonly Awaited<ReturnType<typeof predictions>>[]): number {
  const [first] = members;
  assert.ok(first !== undefined);
  let loss = 0;
  for (const [row, target] of first.targets.entries()) {
    const likelihoods = members.map(({ logits, classes }) => {
      const values = [...logits.subarray(row * classes, (row + 1) * classes)].map(Math.exp);
      return (values[target] ?? 0) / values.reduce((sum, value) => sum + value, 0);
    });
    loss -= Math.log(likelihoods.reduce((sum, one) => sum + one, 0) / members.length);
  }
  return loss / first.targets.length;
}
