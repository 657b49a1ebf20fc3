/** Which process a trial gets: a spare that fits, once, or a fresh one; and what a process is made with. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { testLease, testSpec } from "../testing/test-agent.js";
import { markVariable } from "./descendants.js";
import { type ProcessKind, Spares, type SparesOptions, type TrialProcess } from "./spares.js";

const folder = mkdtempSync(join(tmpdir(), "regulus-spares-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const main = join(folder, "main.mjs");
/** It says what it was made with in place of its backend. */
writeFileSync(
  main,
  `const { argv, execArgv, env } = process;
  process.stderr.write("x".repeat(20_000) + "\\n the end \\n", () =>
    process.send({ kind: "ready", backend: JSON.stringify({ preparation: JSON.parse(argv[2]), execArgv, env }), reason: "", tried: [] }));
  process.on("disconnect", () => process.exit());`,
);

const kind: ProcessKind = { backend: "cpu", memoryBytes: 200.5 * 2 ** 20 };
const { work } = testLease(0);
assert.ok(work);
const likely = { spec: testSpec(), work, seed: 1 };
/** No spare is prepared but by the test. */
const never = { watch: () => () => 0, lookEveryMs: 1e9, looksMax: 1 };

function sparesWith(options: Partial<SparesOptions> = {}, patience = never) {
  const spares = new Spares(pathToFileURL(main), { environment: { OWN: "1" }, mark: "agent", ...options }, patience);
  const taken: TrialProcess[] = [];
  after(() => {
    spares.close();
    for (const { child } of taken) child.kill("SIGKILL");
  });
  const take = (wanted: Partial<ProcessKind> = {}) => {
    const process = spares.take({ ...kind, ...wanted }, likely);
    taken.push(process);
    return process;
  };
  return { spares, take };
}

const ended = ({ child }: TrialProcess) => new Promise<void>((resolve) => void child.on("exit", () => resolve()));

async function made(process: TrialProcess): Promise<{ preparation: object; execArgv: string[]; env: Record<string, string> }> {
  const said = await process.prepared;
  assert.ok(said?.kind === "ready");
  return JSON.parse(said.backend);
}

test("a spare is handed out once, and one that has ended never", async () => {
  const { spares, take } = sparesWith();
  const spare = spares.prepare(kind, likely);
  assert.equal(take(), spare);
  assert.notEqual(take(), spare);
  const gone = spares.prepare(kind, likely);
  gone.child.kill("SIGKILL");
  await ended(gone);
  assert.equal(await gone.prepared, undefined);
  assert.notEqual(take(), gone);
  // The end of one that was handed out says nothing of the one that is ready now.
  const [used, ready] = [spares.prepare(kind, likely), spares.prepare(kind, likely)];
  used.child.kill("SIGKILL");
  await ended(used);
  assert.equal(take(), ready);
});

test("a spare that does not fit is ended: another backend or memory, or other devices where they are taken", async () => {
  const { spares, take } = sparesWith();
  const misfits: readonly (readonly [Partial<ProcessKind>, Partial<ProcessKind>])[] = [
    [{}, { backend: "wasm" }],
    [{}, { memoryBytes: 2 ** 28 }],
    [{ devices: { CUDA_VISIBLE_DEVICES: "1" } }, { devices: { CUDA_VISIBLE_DEVICES: "2" } }],
    [{ devices: {} }, { devices: { CUDA_VISIBLE_DEVICES: "2" } }],
  ];
  for (const [one, wanted] of misfits) {
    const spare = spares.prepare({ ...kind, ...one }, likely);
    const end = ended(spare);
    assert.notEqual(take(wanted), spare);
    await end;
  }
  for (const wanted of [{ devices: {} }, {}]) {
    const spare = spares.prepare({ ...kind, devices: { CUDA_VISIBLE_DEVICES: "1" } }, likely);
    assert.equal(take(wanted), spare, "whoever takes no devices does not mind");
  }
  const [trains, runs] = [spares.prepare(kind, likely), spares.prepare({ ...kind, backend: "command" })];
  assert.equal(take({ backend: "command" }), runs);
  assert.equal(take(), trains, "one for each use");
});

test("a process has its share of memory, its devices, a mark of its own and nothing else of the agent's, and tells its last words", async () => {
  const { spares } = sparesWith();
  const trains = spares.prepare({ ...kind, devices: { CUDA_VISIBLE_DEVICES: "1" } }, likely);
  const runs = spares.prepare({ ...kind, backend: "command", memoryBytes: 1 });
  const [one, other] = [await made(trains), await made(runs)];
  assert.deepEqual(one.preparation, { backend: "cpu", likely: JSON.parse(JSON.stringify(likely)) });
  assert.deepEqual(other.preparation, { backend: "command" });
  assert.ok(one.execArgv.includes("--max-old-space-size=200"), one.execArgv.join());
  assert.ok(other.execArgv.includes("--max-old-space-size=64"), other.execArgv.join());
  const { OWN, CUDA_VISIBLE_DEVICES, [markVariable]: mark, HOME } = one.env;
  assert.deepEqual([OWN, CUDA_VISIBLE_DEVICES, mark, HOME], ["1", "1", trains.mark, undefined]);
  assert.match(trains.mark, /^agent:\w+$/);
  assert.notEqual(runs.mark, trains.mark);
  while (!trains.stderr().endsWith("the end")) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.ok(trains.stderr().length < 16 * 1024 && trains.stderr().length > 16_000);
});

test("the next spare is like the last one that was asked for, with the devices of the slot that comes next; after the end there is none", async () => {
  const eager = { watch: () => () => 1, lookEveryMs: 1, looksMax: 1 };
  const next = async (wanted: ProcessKind) => {
    const { spares, take } = sparesWith({ nextDevices: () => ({ CUDA_VISIBLE_DEVICES: "7" }) }, eager);
    const first = take(wanted);
    // Nobody tells when the spare is there: it is what the next one gets.
    const fits = { ...wanted, ...(Object.keys(wanted.devices ?? {}).length > 0 && { devices: { CUDA_VISIBLE_DEVICES: "7" } }) };
    for (let looks = 0; looks < 50; looks += 1) await new Promise((resolve) => setTimeout(resolve, 1));
    const { env, preparation } = await made(take(fits));
    spares.close();
    assert.ok(first.child.connected);
    return { devices: env.CUDA_VISIBLE_DEVICES, preparation };
  };
  assert.deepEqual(await next({ ...kind, devices: { CUDA_VISIBLE_DEVICES: "1" } }), {
    devices: "7",
    preparation: { backend: "cpu", likely: JSON.parse(JSON.stringify(likely)) },
  });
  assert.deepEqual(await next({ ...kind, backend: "command" }), { devices: undefined, preparation: { backend: "command" } });
});
