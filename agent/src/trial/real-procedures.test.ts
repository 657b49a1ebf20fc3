import assert from "node:assert/strict";
import { after, test } from "node:test";
import { resolveSpec } from "@regulus/algorithms/catalog";
import { EndReason, type SearchSpec } from "@regulus/proto";
import { startTestAgent, type TestAgent, testLease, testSpec } from "../testing/test-agent.js";
import { TestCoordinator } from "../testing/test-coordinator.js";

const closing: (() => Promise<void> | void)[] = [];
after(async () => {
  for (const close of closing.reverse()) await close();
});

async function startReal(): Promise<{ coordinator: TestCoordinator; tested: TestAgent }> {
  const coordinator = await TestCoordinator.start();
  const trialMain = new URL("./main.js", import.meta.url);
  const tested = await startTestAgent(coordinator.address, {
    backend: "auto",
    slots: cases.length,
    memoryPerTrialBytes: 2 ** 30,
    trialMain,
  });
  closing.push(
    () => coordinator.close(),
    () => tested.end(),
  );
  await tested.agent.registered;
  return { coordinator, tested };
}

/** Runs a trial whole, then once more with a stop in its middle; both must measure the same numbers. */
async function compare(coordinator: TestCoordinator, spec: SearchSpec, options: Case & { readonly trial: number }) {
  const { trial, procedure } = options;
  const work = {
    procedure,
    parameters: options.parameters,
    options: options.options,
    untilStep: spec.budget?.stepsPerTrial ?? 0,
  };
  const searchId = `s-${trial}`;
  coordinator.lease(testLease(trial, { key: { searchId }, spec, work }));
  const whole = await coordinator.finished(trial);
  assert.equal(whole.reason, EndReason.END_REASON_DONE, whole.message);
  // A model's final checkpoint is stored before its end is told.
  const final = coordinator.checkpoints(trial).at(-1)?.step;
  if (procedure === "fit" || procedure === "self-tune") assert.equal(final, whole.step);

  const second = trial + 1;
  const key = { searchId: `s-${second}`, trial: second, attempt: 1 };
  coordinator.lease(testLease(second, { key, spec, work }));
  await coordinator.until("two measurements", () => coordinator.measurements(second).length >= 2);
  coordinator.stop(key, EndReason.END_REASON_PREEMPTED);
  const stopped = await coordinator.finished(second);
  assert.equal(stopped.reason, EndReason.END_REASON_PREEMPTED, "stopped before its end");
  const saved = coordinator.checkpoints(second).at(-1);
  assert.ok(saved !== undefined && saved.step > 0 && saved.step < work.untilStep);
  coordinator.lease(
    testLease(second, { key: { ...key, attempt: 2 }, work, resumeFrom: saved.checkpoint, resumeStep: saved.step }),
  );
  assert.equal((await coordinator.finished(second, 2)).reason, EndReason.END_REASON_DONE);

  const numbers = (of: number) => coordinator.measurements(of).map(({ seconds: _, ...rest }) => rest);
  assert.deepEqual(numbers(second), numbers(trial), `${procedure}: every number to the last bit`);
  assert.equal(numbers(trial).length, 12);
}

/** What is trained, and how. */
interface Case {
  readonly backend: string;
  readonly procedure: string;
  /** Hyperparameters that stand fixed. */
  readonly parameters: Record<string, number>;
  /** Options of the procedure. */
  readonly options: Record<string, number>;
}

const cases: readonly Case[] = [
  { backend: "wasm", procedure: "fit", parameters: { weightDecay: 0.01, inputNoise: 0.1 }, options: {} },
  { backend: "cpu", procedure: "fit", parameters: { weightDecay: 0.01, inputNoise: 0.1 }, options: {} },
  { backend: "wasm", procedure: "self-tune", parameters: {}, options: { warmUpSteps: 20 } },
];

test("stopped and resumed, real training gives bit-identical measurements on wasm and on cpu", async () => {
  const { coordinator } = await startReal();
  const searches = cases.map(async (one, index) => {
    const spec = resolveSpec(
      testSpec({
        workload: { name: "ridge" },
        strategy: { name: one.procedure === "fit" ? "random" : "self-tuning-network" },
        techniques: [{ name: "weight-decay" }, { name: "input-noise" }],
        budget: { trials: 1, stepsPerTrial: 120 },
        resources: { backend: one.backend },
        reporting: { measureEverySteps: 10 },
        seed: 3,
      }),
    );
    await compare(coordinator, spec, { ...one, trial: 2 * index });
  });
  await Promise.all(searches);
});
