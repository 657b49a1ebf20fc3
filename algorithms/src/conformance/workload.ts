/**
 * Conformance suite of a workload: rows that depend on seed and place alone, losses and metrics of each example, a loss that can be
 * differentiated twice; and under each procedure that trains it, that a trial saved and reopened goes on exactly as if never closed, bit for
 * bit, and that nothing stays in memory.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import type { Task } from "../training/contracts/workload.js";
import { PlainLayers } from "../training/network/plain-layers.js";
import { TensorNetwork, tensorOf } from "../training/network/tensor-network.js";
import { loadWorkload } from "../training/setup/find-component.js";
import { openRequestOf } from "../training/setup/open-request.js";
import { modelKit } from "../training/setup/trial-setup.js";
import { ParameterStore } from "../training/state/parameter-store.js";
import { openCase, stepTo, type TrialCase } from "./attempt.js";
import { operationsOf } from "./operations.js";

/** How a workload is run in the suite. */
export interface WorkloadCase {
  readonly name: string;
  /** Small sizes, so that the suite is quick. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Further options, each set over the others, with which the model uses other operations. */
  readonly alternatives?: readonly Readonly<Record<string, unknown>>[];
  /** Techniques that it can be trained with. */
  readonly techniques: readonly string[];
}

/** The procedures that train, with their options: tuning begins early, so that the pause falls among tuning steps. */
const procedures = [
  { name: "fit", procedure: "fit", options: {} },
  { name: "self-tune", procedure: "self-tune", options: { warmUpSteps: 3 } },
  { name: "self-tune as delta-stn", procedure: "self-tune", options: { warmUpSteps: 3, trainSteps: 2, variant: "delta-stn" } },
] as const;
/** Steps before and after the pause; the second part is longer than an epoch of the small sizes, so that orders are drawn anew. */
const [pausedAt, endsAt] = [7, 16];

/** Registers the suite with node's test runner. The backend is the caller's choice. */
export function describeWorkload(one: WorkloadCase): void {
  describe(`workload ${one.name}`, () => {
    it("gives the same rows again, with losses and metrics of each example", () => withTask(one, rowsAndLosses));
    it("has a loss whose second derivative agrees with differences of the first", () => withTask(one, twiceDifferentiable));
    for (const more of [{}, ...(one.alternatives ?? [])]) {
      const words = Object.keys(more).length === 0 ? "" : `, with ${JSON.stringify(more)}`;
      it(`has Hessian-vector products through each operation that differences of gradients confirm${words}`, () =>
        withTask({ ...one, options: { ...one.options, ...more } }, operationsConfirmed));
    }

    for (const { name, procedure, options } of procedures) {
      const { name: workload, options: workloadOptions, techniques } = one;
      const trial: TrialCase = { procedure, workload, workloadOptions, techniques, options, untilStep: endsAt };
      it(`continues under ${name} exactly as if never closed, and leaves no tensor behind`, () => resumesExactly(trial));
    }
  });
}

async function withTask(
  one: WorkloadCase,
  check: (task: Task, output: (task: Task, rows: Int32Array) => Outputs, parameters: ParameterStore) => void,
): Promise<void> {
  const module = await loadWorkload(one.name);
  assert.ok("open" in module, `${one.name} is trained`);
  const before = tf.memory().numTensors;
  const task = await module.open({ ...openRequestOf(module.spec, { options: one.options, seed: 1 }), kit: modelKit });
  const store = new ParameterStore(modelKit.createRng(1));
  tf.tidy(() => {
    const output = (opened: Task, rows: Int32Array) => {
      const { inputs, targets } = opened.batch("tune", rows);
      return { inputs, targets, outputs: tensorOf(opened.forward(new TensorNetwork(new PlainLayers(store)), inputs)) };
    };
    check(task, output, store);
  });
  store.dispose();
  task.close();
  assert.equal(tf.memory().numTensors, before);
}

interface Outputs {
  readonly inputs: tf.Tensor;
  readonly targets: tf.Tensor;
  readonly outputs: tf.Tensor;
}

function rowsAndLosses(task: Task, output: (task: Task, rows: Int32Array) => Outputs): void {
  const rows = Int32Array.of(2, 0, 1);
  const [first, again] = [output(task, rows), output(task, rows)];
  assert.deepEqual(first.inputs.dataSync(), again.inputs.dataSync());
  const alone = output(task, Int32Array.of(0)).inputs.dataSync();
  assert.deepEqual(first.inputs.dataSync().slice(alone.length, 2 * alone.length), alone, "a row does not depend on its batch");
  const loss = task.loss(first.outputs, first.targets);
  assert.deepEqual(loss.shape, [3]);
  assert.ok(loss.dataSync().every(Number.isFinite));
  for (const [name, metric] of Object.entries(task.metrics(first.outputs, first.targets))) {
    assert.deepEqual(metric.shape, [3], `${name} has a number for each example`);
  }
  for (const size of Object.values(task.sizes)) assert.ok(Number.isInteger(size) && size > 0);
}

/** Differences of gradients over 0.05: rounding gives 1e-7 / 0.05, curvature about 0.05^2; 1e-2 of the greatest number is room for both. */
function twiceDifferentiable(task: Task, output: (task: Task, rows: Int32Array) => Outputs): void {
  const { outputs, targets } = output(task, Int32Array.of(0, 1));
  const direction = tf.randomNormal(outputs.shape, 0, 1, "float32", 3);
  const gradient = tf.grad((x: tf.Tensor) => tf.sum(task.loss(x, targets)));
  const product = tf
    .grad((x: tf.Tensor) => tf.sum(tf.mul(gradient(x), direction)))(outputs)
    .dataSync();
  const step = 0.05;
  const ahead = gradient(tf.add(outputs, tf.mul(direction, step)));
  const behind = gradient(tf.sub(outputs, tf.mul(direction, step)));
  const differences = tf.div(tf.sub(ahead, behind), 2 * step).dataSync();
  const size = Math.max(...differences.map(Math.abs));
  for (const [i, difference] of differences.entries())
    assert.ok(Math.abs(difference - (product[i] ?? 0)) <= 1e-2 * size, `place ${i}`);
}

/** The bound. float32 differences are good to about 1e-4 here; a wrong second derivative is off by 0.1 and more. */
function operationsConfirmed(task: Task, output: (task: Task, rows: Int32Array) => Outputs, parameters: ParameterStore): void {
  const rows = Int32Array.of(0, 1, 2);
  output(task, rows); // makes the parameters
  const operations = operationsOf([...parameters.variables.values()], () => {
    const { outputs, targets } = output(task, rows);
    return tf.mean(task.loss(outputs, targets));
  });
  assert.ok(operations.length > 0, "a model has operations");
  for (const { kernel, input, shapes, gap } of operations)
    assert.ok(gap < 1e-3, `${kernel} ${shapes} along ${input}: the Hessian-vector product is off by ${gap}`);
}

async function resumesExactly(trial: TrialCase): Promise<void> {
  const before = tf.memory().numTensors;
  const whole = await openCase(trial);
  await stepTo(whole, pausedAt);
  const checkpoint = await whole.save();
  await whole.measure();
  const during = tf.memory().numTensors;
  await stepTo(whole, endsAt);
  assert.equal(tf.memory().numTensors, during, "steps and measurements leave nothing behind");
  const [measured, saved] = [await whole.measure(), await whole.save()];
  whole.close();

  const resumed = await openCase(trial, checkpoint);
  assert.equal(resumed.stepsDone, pausedAt);
  await stepTo(resumed, endsAt);
  assert.deepEqual(await resumed.measure(), measured);
  assert.deepEqual(await resumed.save(), saved);
  resumed.close();
  assert.equal(tf.memory().numTensors, before, "a closed session leaves nothing behind");
  assert.ok(Object.values(measured.metrics).every(Number.isFinite));
}
