/** Programs on a real agent: what crosses the trial process, the store and the agent's own watch. What they may do else is in command-run.test.ts. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { EndReason, type Lease } from "@regulus/proto";
import { startTestPair, testLease, testSpec } from "../testing/test-agent.js";

const example = fileURLToPath(new URL("../../../examples/command/train.py", import.meta.url));

const { coordinator, end } = await startTestPair({ slots: 8 });
after(end);

let next = 0;
function give(
  argv: string[],
  parts: Parameters<typeof testLease>[1] = {},
  resources: { stepTimeoutMs?: number; memoryBytes?: number } = {},
): Lease {
  const lease = testLease(next, {
    spec: testSpec({ command: { argv, stopGraceMs: 60_000 }, resources }),
    ...parts,
    key: { searchId: `search-${next}` },
    work: { procedure: "command", untilStep: 60, final: true, ...parts.work },
  });
  next += 1;
  coordinator.lease(lease);
  return lease;
}
const trialOf = (lease: Lease): number => lease.key?.trial ?? -1;
const numbersOf = (lease: Lease) =>
  coordinator.measurements(trialOf(lease)).map(({ step, metrics }) => [step, metrics.validLoss] as const);

async function outputOf(lease: Lease): Promise<string> {
  const [artifact] = (await coordinator.finished(trialOf(lease))).artifacts;
  assert.equal(artifact?.kind, "output");
  return coordinator.artifacts.get(artifact?.sha256 ?? "")?.toString("utf8") ?? "";
}

// All at once: each waits for something else, and none for another one.
const parameters = { learningRate: 0.5, l2: 0.01 };
const whole = give(["python3", example], { work: { parameters } });
const paused = give(["python3", example], { work: { parameters, untilStep: 30, final: false } });
const lines = `echo '{"step":3,"validLoss":1}'; echo '{"checkpoint":3}'`;
const saves = `echo kept > "$REGULUS_CHECKPOINT_DIR/weights"; ${lines}; exec sleep 300`;
const silent = give(["sh", "-c", saves], {}, { stepTimeoutMs: 3000 });
const hungry = "import time; print(1234, flush=True); held = bytearray(120 * 2**20); time.sleep(300)";
const large = give(["sh", "-c", `python3 -c '${hungry}'; true`], {}, { memoryBytes: 80 * 2 ** 20 });

test("the Python example trains, measures what its card says, and its output is kept", async () => {
  const { reason, message } = await coordinator.finished(trialOf(whole));
  assert.deepEqual([reason, message], [EndReason.END_REASON_DONE, ""]);
  const measured = numbersOf(whole);
  assert.deepEqual(
    measured.map(([step]) => step),
    [20, 40, 60],
  );
  // A guess without weights costs log 2 = 0.693; twelve weights from sixty examples get well below it.
  assert.ok((measured.at(-1)?.[1] ?? 1) < 0.6, `valid losses ${measured.join("; ")}`);
  assert.match(await outputOf(whole), /training from step 0 to 60 with \{'learningRate': 0.5, 'l2': 0.01\}/);
  assert.deepEqual(
    coordinator.checkpoints(trialOf(whole)).map(({ step }) => step),
    [60],
    "what it saved last is stored before its end",
  );
});

test("paused and resumed from its folder, the example measures the same as undisturbed", async () => {
  await coordinator.finished(trialOf(paused));
  const saved = coordinator.checkpoints(trialOf(paused)).at(-1);
  assert.equal(saved?.step, 30);
  const resumeFrom = saved?.checkpoint;
  const again = give(["python3", example], { work: { parameters }, ...(resumeFrom && { resumeFrom }), resumeStep: 30 });
  assert.match(await outputOf(again), /training from step 30 to 60/);
  assert.deepEqual(numbersOf(again), numbersOf(whole).slice(1), "steps 40 and 60, to the last digit");
});

test("a program that says nothing is timed out; what it had printed, measured and saved is kept", async () => {
  const { reason, step, final, message } = await coordinator.finished(trialOf(silent));
  assert.deepEqual([reason, step, final?.metrics], [EndReason.END_REASON_TIMED_OUT, 3, { validLoss: 1 }]);
  assert.match(
    message,
    /^no sign of life for \w+ after step 3; resources.stepTimeout allows 3s; set resources: \{stepTimeout: 30s\} for/,
  );
  assert.match(await outputOf(silent), /^\{"step":3,"validLoss":1\}$/m);
  assert.deepEqual(
    coordinator.checkpoints(trialOf(silent)).map(({ step }) => step),
    [3],
  );
});

test("a stop ends an attempt at whatever moment it comes, before its program begins and while a slow wrapper starts it", async () => {
  // Only SIGTERM ends it: one that was lost is not made good by a limit.
  for (const delayMs of [0, 1, 3, 10, 30, 100, 300]) {
    const lease = give(["sh", "-c", "sleep 2; exec sleep 3600"]);
    setTimeout(() => lease.key && coordinator.stop(lease.key, EndReason.END_REASON_PREEMPTED, "paused"), delayMs);
    const { reason, message } = await coordinator.finished(trialOf(lease));
    assert.equal(reason, EndReason.END_REASON_PREEMPTED);
    assert.match(message, /^paused/);
  }
});

test("a program's memory counts its children but not ours; one that takes too much leaves its output", async () => {
  const { reason, message } = await coordinator.finished(trialOf(large));
  assert.equal(reason, EndReason.END_REASON_OUT_OF_MEMORY, message);
  assert.match(message, /^it held \d+ MiB of memory at step 0; 80 MiB are allowed/);
  assert.equal(await outputOf(large), "1234\n");
});

test("a running program's output is answered in pieces", async () => {
  const lease = give(["sh", "-c", `printf "first\\n"; printf "second\\n" >&2; ${lines}; exec sleep 300`]);
  await coordinator.until("a measurement", () => coordinator.measurements(trialOf(lease)).length > 0);
  assert.ok(lease.key);
  let piece = await coordinator.askOutput(lease.key);
  // Two pipes: what came first on one may be read last.
  while (!/second\n/.test(Buffer.from(piece.data).toString())) piece = await coordinator.askOutput(lease.key);
  assert.match(Buffer.from(piece.data).toString(), /first\n/);
  assert.deepEqual([piece.found, piece.totalBytes], [true, piece.data.length]);
  const part = await coordinator.askOutput(lease.key, 3, 4);
  assert.deepEqual(Buffer.from(part.data), Buffer.from(piece.data).subarray(3, 7));
  assert.equal((await coordinator.askOutput({ ...lease.key, attempt: 2 })).found, false);
  coordinator.stop(lease.key, EndReason.END_REASON_UNSPECIFIED);
});
