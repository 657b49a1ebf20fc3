/**
 * One variant of the kernels bench in a process of its own: prints the median processor milliseconds of a training step for each model, null where the
 * variant cannot run it. `ours` is Regulus's backend, losses and updates; `stock` and `cpu` are tfjs as it comes, with its loss and optimizer.
 */
import { applyMomentum, chooseBackend, softmaxCrossEntropy } from "@regulus/algorithms/kernels";
import * as tf from "@tensorflow/tfjs";
import "@tensorflow/tfjs-backend-wasm";
import { MODELS, type TimedModel } from "./kernels-models.js";

/** Steps that are not counted, in which code is compiled and memory is claimed. */
const WARM_UP_STEPS = 5;
const STEPS = 25;
/** A slow variant is counted on fewer steps: at most this long a model. */
const MODEL_LIMIT_MS = 6_000;
const RATES = { learningRate: 0.01, momentum: 0.9 };

const variant = process.argv[2];
tf.enableProdMode(); // no banner
if (variant === "ours") await chooseBackend("wasm");
else await tf.setBackend(variant === "stock" ? "wasm" : "cpu");

const results: Record<string, number | null> = {};
for (const [name, make] of Object.entries(MODELS)) {
  try {
    const model = make();
    results[name] = medianStepMs(variant === "ours" ? ourStep(model) : stockStep(model));
  } catch (error) {
    console.error(`kernels: ${variant} cannot run ${name}: ${error instanceof Error ? error.message : String(error)}`);
    results[name] = null;
  }
}
console.log(JSON.stringify(results));

function ourStep({ variables, labels, logits }: TimedModel): () => void {
  const velocities = variables.map((variable) => tf.tidy(() => tf.variable(tf.zerosLike(variable))));
  return () =>
    tf.tidy(() => {
      const { grads } = tf.variableGrads(() => tf.mean(softmaxCrossEntropy(logits(), labels)).asScalar(), [...variables]);
      for (const [i, variable] of variables.entries()) {
        const [velocity, grad] = [velocities[i], grads[variable.name]];
        if (velocity === undefined || grad === undefined) throw new Error(`no gradient for ${variable.name}`);
        applyMomentum(variable, velocity, grad, RATES);
      }
    });
}

function stockStep({ variables, labels, logits }: TimedModel): () => void {
  const optimizer = tf.train.momentum(RATES.learningRate, RATES.momentum);
  return () => {
    optimizer.minimize(() => tf.losses.softmaxCrossEntropy(labels, logits()).asScalar(), false, [...variables]);
  };
}

/**
 * Processor time, not wall time: these backends compute when asked and on one thread, so that both are the same on an idle machine, and other
 * work on a busy one counts only where it takes caches and clock rate away.
 */
function medianStepMs(step: () => void): number {
  const begin = performance.now();
  const enough = () => performance.now() - begin > MODEL_LIMIT_MS;
  const times: number[] = [];
  for (let i = 0; i < WARM_UP_STEPS + STEPS && !(enough() && times.length > 0); i++) {
    const before = process.cpuUsage();
    step();
    const { user, system } = process.cpuUsage(before);
    if (i >= WARM_UP_STEPS || enough()) times.push((user + system) / 1000);
  }
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN;
}
