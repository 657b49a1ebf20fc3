/** The demo from end to end over real processes, with searches that take a moment instead of minutes. */
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { after, before, test } from "node:test";
import type { SearchSpec } from "@regulus/proto";
import { parseSearchText } from "../search-files.js";
import { runDemo } from "./demo.js";
import { demoSearches, slotsUseful } from "./searches.js";

let folder = "";
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "regulus-demo-test-"));
  // Every demo of this process keeps its data in there.
  process.env.TMPDIR = folder;
});
after(() => rm(folder, { recursive: true, force: true }));

test("the demo's searches spend the same training steps over the same techniques on the same data", async () => {
  const [inside, outside, ...others] = await demoSearches(7);
  assert.ok(inside !== undefined && outside !== undefined && others.length === 0);
  const steps = (spec: SearchSpec) => (spec.budget?.trials ?? 0) * (spec.budget?.stepsPerTrial ?? 0);
  assert.equal(steps(inside), steps(outside));
  assert.deepEqual(inside.workload, outside.workload);
  assert.deepEqual(inside.techniques, outside.techniques);
  assert.deepEqual([inside.strategy?.name, outside.strategy?.name], ["self-tuning-network", "random"]);
  assert.deepEqual([inside.seed, outside.seed], [7, 7]);
  assert.equal(slotsUseful([inside, outside]), 7);
});

test("two searches run to their ends, and a report, numbers and no data are left", async () => {
  const [stream, text] = recorded();
  const json = join(folder, "numbers.json");
  const outcome = await runDemo({
    seed: 3,
    json,
    report: join(folder, "report.html"),
    stream,
    searches: [ridge("random", 3), ridge("sobol", 2)],
  });
  assert.deepEqual(outcome.failures, []);
  const written: unknown = JSON.parse(await readFile(json, "utf8"));
  assert.deepEqual(written, outcome.numbers);
  assert.deepEqual(
    outcome.numbers.searches.map(({ strategy, trials, steps }) => ({ strategy, trials, steps })),
    [
      { strategy: "random", trials: 3, steps: 60 },
      { strategy: "sobol", trials: 2, steps: 40 },
    ],
  );
  for (const search of outcome.numbers.searches) assert.ok(Number.isFinite(search.validLoss) && search.seconds > 0);
  assert.match(await readFile(outcome.report, "utf8"), /ridge-sobol/);
  assert.match(text(), /2 searches of 60 and 40 training steps/);
  assert.deepEqual(await leftovers(), []);
});

test("a demo that is stopped in the middle ends its processes and removes their data", async () => {
  const [stream, text] = recorded();
  const controller = new AbortController();
  const running = runDemo({
    seed: 3,
    report: join(folder, "stopped.html"),
    stream,
    signal: controller.signal,
    searches: [ridge("random", 100_000)],
  });
  for (let tries = 0; !/training steps/.test(text()) && tries < 2400; tries++)
    await new Promise((resolve) => setTimeout(resolve, 50));
  controller.abort();
  await assert.rejects(running, { code: "cancelled", message: /every process was ended and their data removed/ });
  assert.deepEqual(await leftovers(), []);
});

test("a coordinator that is killed ends the demo with its last log lines", async () => {
  const [stream, text] = recorded();
  const running = runDemo({
    seed: 3,
    report: join(folder, "killed.html"),
    stream,
    searches: [ridge("random", 100_000)],
    onCluster: ({ processes }) => {
      const pid = processes.find(({ name }) => name === "coordinator")?.pid ?? 0;
      assert.ok(pid > 1);
      process.kill(pid, "SIGKILL");
    },
  });
  await assert.rejects(running, {
    code: "unavailable",
    message: /^coordinator ended \(killed by SIGKILL\); its last log lines:\n {2}info: /,
  });
  assert.ok(!text().includes("Report"));
  assert.deepEqual(await leftovers(), []);
});

function ridge(strategy: string, trials: number): SearchSpec {
  const document = `
name: ridge-${strategy}
workload: ridge
objective: { metric: validLoss }
strategy: ${strategy}
techniques: [weight-decay]
budget: { trials: ${trials}, stepsPerTrial: 20 }
parallelism: 2
seed: 3`;
  return parseSearchText(document, "a test's search");
}

async function leftovers(): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.startsWith("regulus-demo-"));
}

function recorded(): [PassThrough, () => string] {
  const stream = new PassThrough();
  const chunks: string[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk.toString()));
  return [stream, () => chunks.join("")];
}
