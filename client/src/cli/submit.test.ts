/** What a search file and its flags come to when they are submitted, checked or run here. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { RegulusError } from "@regulus/proto";
import { type CoordinatorTwin, startTwin } from "../testing/coordinator-twin.js";
import { regulus } from "../testing/run-inside.js";
import { agentFlags, coordinatorFlags, type UpOptions } from "./up-flags.js";

const file = `
name: ridge
workload: ridge
objective: {metric: validLoss}
strategy: random
space:
  weightDecay: {type: double, min: 1e-6, max: 1, scale: log}
budget: {trials: 4}
`;

async function begin(
  t: TestContext,
): Promise<{ readonly twin: CoordinatorTwin; readonly path: string; readonly seeded: string }> {
  const folder = mkdtempSync(join(tmpdir(), "regulus-submit-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const [path, seeded] = [join(folder, "plain.yaml"), join(folder, "seeded.yaml")];
  writeFileSync(path, file);
  writeFileSync(seeded, `${file}seed: 3\n`);
  return { twin: await startTwin(t), path, seeded };
}

/** The newest request to create a search. */
function created(twin: CoordinatorTwin) {
  const request = twin.requests.get("createSearch")?.at(-1) as {
    readonly spec: { readonly name: string; readonly seed?: number };
    readonly idempotencyKey: string;
    readonly validateOnly: boolean;
  };
  return { name: request.spec.name, seed: request.spec.seed, key: request.idempotencyKey, validateOnly: request.validateOnly };
}

test("flags override the file, a key is sent unchanged, and a drawn seed is printed with how to repeat the search", async (t) => {
  const { twin, path, seeded } = await begin(t);
  const at = ["-c", twin.address];
  const plain = await regulus(["submit", path, ...at]);
  assert.deepEqual([plain.code, plain.stdout], [0, "s1\n"]);
  assert.equal(plain.stderr, "seed 0 was drawn; --seed 0 repeats the search\nregulus watch s1 follows it\n");
  const { key, ...first } = created(twin);
  assert.deepEqual(first, { name: "ridge", seed: undefined, validateOnly: false });
  assert.match(key, /^[0-9a-f-]{36}$/);
  assert.equal((await regulus(["submit", seeded, ...at])).stderr, "regulus watch s2 follows it\n");
  assert.equal(created(twin).seed, 3);
  const flagged = await regulus(["submit", seeded, "--seed", "9", "--name", "other", "--key", "k", ...at]);
  assert.deepEqual([flagged.stdout, created(twin)], ["s3\n", { name: "other", seed: 9, key: "k", validateOnly: false }]);
  const again = await regulus(["submit", seeded, "--key", "k", "--json", ...at]);
  const answer = JSON.parse(again.stdout);
  assert.deepEqual([answer.search.searchId, answer.warnings, again.stderr], ["s3", [], ""]);
});

test("--name stands in for a name that the file lacks or has wrong", async (t) => {
  const { twin, path } = await begin(t);
  for (const name of ["", "name: 7\n", "name: [a]\n"]) {
    writeFileSync(path, file.replace("name: ridge\n", name));
    assert.equal((await regulus(["submit", path, "-c", twin.address])).code, 2);
    assert.equal((await regulus(["submit", path, "--name", "other", "-c", twin.address])).code, 0);
    assert.equal(created(twin).name, "other");
  }
});

test("submit --watch follows the search to its end and has its exit code", async (t) => {
  const { twin, path } = await begin(t);
  const watching = regulus(["submit", path, "--watch", "-c", twin.address]);
  while ((twin.searches.get("s1")?.watchers.size ?? 0) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  twin.tell("s1", { $case: "searchEnded", value: { outcome: "SEARCH_OUTCOME_FAILED", reason: "threw" } });
  const { code, stdout, stderr } = await watching;
  assert.equal(code, 8);
  assert.match(stdout, /^search +s1\nstatus +failed \(threw\)\n/);
  assert.match(stderr, /^search s1 is started; Ctrl-C leaves it running$/m);
  assert.doesNotMatch(stderr, /regulus watch s1 follows/);
});

test("validate asks the coordinator to check only, or nobody with --offline; a coordinator that fails otherwise is an error", async (t) => {
  const { twin, path } = await begin(t);
  const at = ["-c", twin.address];
  const offline = await regulus(["validate", path, "--offline", ...at]);
  assert.match(offline.stdout, /is valid in shape; .* were not checked \(--offline\)\n$/);
  assert.deepEqual([offline.code, twin.calls], [0, []]);
  const json = await regulus(["validate", path, "--offline", "--json", ...at]);
  assert.deepEqual(JSON.parse(json.stdout), { valid: true, checkedBy: "file", problems: [], warnings: [] });
  assert.equal((await regulus(["validate", path, ...at])).code, 0);
  assert.deepEqual([created(twin).validateOnly, twin.searches.size], [true, 0]);
  for (const [error, code] of [
    [new RegulusError("permission-denied", "no"), 6],
    [new RegulusError("exhausted", "full"), 4],
  ] as const) {
    twin.failures.set("createSearch", [error]);
    assert.equal((await regulus(["validate", path, ...at])).code, code);
  }
  const problems = [{ field: "strategy.name", seen: '"x"', expected: "one of random" }];
  twin.failures.set("createSearch", [RegulusError.invalid(problems)]);
  const refused = await regulus(["submit", path, ...at]);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /^regulus: 1 problem:\n {2}strategy: saw "x", expected one of random\n$/);
  twin.failures.set("createSearch", [new RegulusError("invalid-argument", "not this one")]);
  assert.equal((await regulus(["submit", path, ...at])).stderr, "regulus: not this one\n");
  const broken = JSON.parse((await regulus(["validate", "/dev/null", "--json", ...at])).stdout);
  assert.deepEqual([broken.valid, broken.checkedBy], [false, "coordinator"]);
});

test("regulus up gives coordinator and agents the flags that it was given, and a restarted coordinator its old ports", () => {
  const options: UpOptions = {
    listen: "127.0.0.1:0",
    metricsListen: "127.0.0.1:7712",
    data: "/data",
    agents: 2,
    slots: 3,
    backend: "cpu",
    passEnv: [],
  };
  const first = ["--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:7712", "--data", "/data/coordinator"];
  assert.deepEqual(coordinatorFlags(options, undefined), first);
  assert.deepEqual(coordinatorFlags({ ...options, nats: "nats://a" }, undefined), [...first, "--nats", "nats://a"]);
  const again = (ready: Readonly<Record<string, unknown>>) => coordinatorFlags(options, ready).slice(0, 4);
  assert.deepEqual(again({ address: "127.0.0.1:4001", metrics: "127.0.0.1:4002" }), [
    "--listen",
    "127.0.0.1:4001",
    "--metrics-listen",
    "127.0.0.1:4002",
  ]);
  assert.deepEqual(again({ address: "127.0.0.1:4001" }), ["--listen", "127.0.0.1:4001", "--metrics-listen", "off"]);
  const to = { name: "agent-2", address: "127.0.0.1:4001" };
  const plain = [
    "--coordinator",
    "127.0.0.1:4001",
    "--id",
    "agent-2",
    "--slots",
    "3",
    "--backend",
    "cpu",
    "--data",
    "/data/agent-2",
  ];
  assert.deepEqual(agentFlags(options, to), plain);
  assert.deepEqual(agentFlags({ ...options, allowCommands: true, allowModules: "/m", passEnv: ["A", "B"] }, to), [
    ...plain,
    "--allow-commands",
    ...["--pass-env", "A", "--pass-env", "B"],
    ...["--allow-modules", "/m"],
  ]);
});
