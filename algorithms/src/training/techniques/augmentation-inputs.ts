/** Checks and random draws shared by techniques that change inputs. */
import type { Tensor, Tensor4D } from "@tensorflow/tfjs-core";
import { TrialFailure } from "../contracts/procedure.js";
import type { StepContext } from "../contracts/technique.js";

/** Inputs as images [batch, height, width, channels]. Throws a user error for others. */
export function imageInputs(inputs: Tensor, technique: string): Tensor4D {
  if (isImages(inputs)) return inputs;
  const seen = `${inputs.dtype} inputs of shape [${inputs.shape.join(", ")}]`;
  const words = `saw ${seen}, expected float32 [batch, height, width, channels]: switch ${technique} off for this workload`;
  throw new TrialFailure("user-error", words);
}

function isImages(inputs: Tensor): inputs is Tensor4D {
  return inputs.rank === 4 && inputs.dtype === "float32";
}

/** Refuses inputs that are not real numbers, such as tokens, which have no neighbours to move to. */
export function checkRealInputs(inputs: Tensor, technique: string): void {
  if (inputs.dtype === "float32") return;
  const words = `saw inputs of type ${inputs.dtype}, expected float32: switch ${technique} off for this workload`;
  throw new TrialFailure("user-error", words);
}

/** For each example a number between -1 and 1, keyed by what it is for. */
export function signs(key: string, context: StepContext): Float32Array {
  const drawn = new Float32Array(context.batchSize);
  context.rng.fork(key).fillUniform(drawn);
  return drawn.map((value) => 2 * value - 1);
}

/** A hyperparameter's value for a row, where each has its own or all share one. */
export function atRow(values: Float32Array, row: number): number {
  return values[values.length === 1 ? 0 : row] ?? 0;
}

/** Whether a hyperparameter is at strength 0 for every example, so that there is nothing to do. */
export function isOff(values: Float32Array): boolean {
  return values.every((value) => value === 0);
}
