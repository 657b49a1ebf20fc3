/** A model as probes see it: forward passes and gradients on the trainer's weights, copied to the host, with techniques switched off. */
import { assert, RegulusError } from "@regulus/proto";
import * as tf from "@tensorflow/tfjs";
import type { ExampleGradients, ProbeContext, ProbedBatch, ProbedRows, ProbedWeight } from "../contracts/probe.js";
import type { Split, Task } from "../contracts/workload.js";
import { evaluationBatchRows } from "../network/evaluation.js";
import { type Layers, TensorNetwork, tensorOf } from "../network/tensor-network.js";
import type { ParameterInfo } from "../state/parameter-info.js";
import type { ParameterStore } from "../state/parameter-store.js";

/** Example gradients that a probe may ask for at once: each is a step's work on one row. */
const exampleGradientsMax = 4096;

/** A model where its training stands. */
export interface ProbedModel {
  readonly step: number;
  readonly task: Task;
  /** What training minimizes of each example, before techniques act on it. */
  readonly trainingLoss: Task["loss"];
  readonly parameters: ParameterStore;
  readonly infos: ReadonlyMap<string, ParameterInfo>;
  /** Layers for one forward pass. */
  layers(): Layers;
}

export function probeContext(model: ProbedModel): ProbeContext {
  const { task } = model;
  return {
    step: model.step,
    sizes: task.sizes,
    batches: (split, { rowsMax = task.sizes[split], sites = [] } = {}) => batchesOf(model, split, { rowsMax, sites }),
    weights: () => weightsOf(model),
    gradients: (rows) => gradientsOf(model, rows),
    exampleGradients: (rows, weights) => exampleGradientsOf(model, rows, weights),
  };
}

async function* batchesOf(
  model: ProbedModel,
  split: Split,
  { rowsMax, sites }: { readonly rowsMax: number; readonly sites: readonly string[] },
): AsyncIterable<ProbedBatch> {
  const { task } = model;
  const count = Math.min(rowsMax, task.sizes[split]);
  const atOnce = Math.min(task.measureRows ?? evaluationBatchRows, evaluationBatchRows);
  for (let row = 0; row < count; row += atOnce) {
    const rows = Int32Array.from({ length: Math.min(atOnce, count - row) }, (_, i) => row + i);
    const seen = new Map<string, tf.Tensor>();
    const [outputs, targets] = tf.tidy(() => {
      const { inputs, targets: wanted } = task.batch(split, rows);
      // Kept from the tidy, and disposed of below.
      const passed: string[] = [];
      const watch = (site: string, x: tf.Tensor) => {
        passed.push(site);
        if (sites.includes(site)) seen.set(site, tf.keep(x.clone()));
      };
      const made = tensorOf(task.forward(new TensorNetwork(model.layers(), undefined, watch), inputs));
      const missing = sites.find((site) => !seen.has(site));
      if (missing !== undefined) throw strangeSite(missing, passed);
      return [made, tf.cast(wanted, "float32")];
    });
    const copied: Record<string, ProbedRows> = {};
    for (const [site, tensor] of seen) copied[site] = await taken(tensor);
    yield { row, outputs: await taken(outputs), targets: await taken(targets), sites: copied };
  }
}

async function weightsOf({ layers, task, infos }: ProbedModel): Promise<ReadonlyMap<string, ProbedWeight>> {
  const kept = tf.tidy(() => {
    const used = layers();
    task.forward(new TensorNetwork(used), task.batch("train", Int32Array.of(0)).inputs);
    return Object.fromEntries(used.weights().map(({ name, value }) => [name, tf.keep(value.clone())]));
  });
  const weights = new Map<string, ProbedWeight>();
  for (const [name, tensor] of Object.entries(kept)) {
    const info = infos.get(name);
    const { values } = await taken(tensor);
    if (info !== undefined) weights.set(name, { info, values });
  }
  return weights;
}

async function* exampleGradientsOf(
  model: ProbedModel,
  rows: Int32Array,
  weights?: readonly string[],
): AsyncIterable<ExampleGradients> {
  assert(rows.length <= exampleGradientsMax, `a probe asks for ${rows.length} example gradients, at most ${exampleGradientsMax}`);
  for (const row of rows) yield { row, gradients: await gradientsOf(model, Int32Array.of(row), weights) };
}

/** @param weights absent for all. */
async function gradientsOf(
  { parameters, layers, task, trainingLoss, infos }: ProbedModel,
  rows: Int32Array,
  weights?: readonly string[],
): Promise<ReadonlyMap<string, Float32Array>> {
  const wanted = (name: string) => infos.get(name)?.response === false && (weights?.includes(name) ?? true);

  const kept = tf.tidy(() => {
    const { inputs, targets } = task.batch("train", rows);
    const loss = () => tf.mean<tf.Scalar>(trainingLoss(tensorOf(task.forward(new TensorNetwork(layers()), inputs)), targets));
    const gradients = parameters.gradients(loss, wanted);
    return Object.fromEntries(Object.entries(gradients).map(([name, gradient]) => [name, tf.keep(gradient)]));
  });
  const copied = new Map<string, Float32Array>();
  for (const [name, gradient] of Object.entries(kept)) copied.set(name, (await taken(gradient)).values);
  return copied;
}

/** A tensor's numbers; the tensor is disposed of. */
async function taken(tensor: tf.Tensor): Promise<ProbedRows> {
  const values = Float32Array.from(await tensor.data<"float32">());
  const { shape } = tensor;
  tensor.dispose();
  return { shape, values };
}

function strangeSite(site: string, known: readonly string[]): RegulusError {
  return new RegulusError("invalid-argument", `saw the site ${site}, expected one of the model's: ${known.join(", ") || "none"}`);
}
