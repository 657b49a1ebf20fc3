/**
 * Long short-term memory and normalization on dual numbers: the same functions as ../../training/network/lstm.ts and ../../training/network/normalization.ts,
 * with the tangents that these have.
 * Source: the derivative of c = f c + i g and hidden = o tanh(c) by the product rule; of y = (x - mean) / s, y. = (x. - mean x. - y mean(y x.)) / s
 * with the means over what is normalized together.
 */
import { assert } from "@regulus/proto";
import * as tf from "@tensorflow/tfjs";
import { untaped } from "../../kernels/index.js";
import {
  type Averaging,
  groupAveraging,
  groupNormalized,
  inverseDeviation,
  layerAveraging,
  layerNormalized,
} from "../../training/network/normalization.js";
import { activateDual, addDuals, type Dual, mapped, multiplyDuals } from "./dual.js";

/** Hidden states [batch, time, units]; the arguments are those of lstmSequence. */
export function lstmDual(driven: Dual, recur: (hidden: Dual) => Dual): Dual {
  const times = unstacked(mapped(driven, (x) => tf.transpose(x, [1, 0, 2])));
  let state: { readonly cell: Dual | undefined; readonly hidden: Dual } | undefined;
  const outputs: Dual[] = [];
  for (const now of times) {
    state = cellOf(state === undefined ? now : addDuals(now, recur(state.hidden)), state?.cell);
    outputs.push(state.hidden);
  }
  // The first time's tangent is absent where only the recurrence has one.
  const tangents = outputs.map(({ value, tangent }) => tangent ?? tf.zerosLike(value));
  const still = outputs.every(({ tangent }) => tangent === undefined);
  return {
    value: untaped(() =>
      tf.stack(
        outputs.map(({ value }) => value),
        1,
      ),
    ),
    tangent: still ? undefined : tf.stack(tangents, 1),
  };
}

function cellOf(gates: Dual, cell: Dual | undefined): { cell: Dual; hidden: Dual } {
  const [forget, input, output, candidate] = quarters(gates);
  assert(forget && input && output && candidate, "split gives four parts");
  const written = multiplyDuals(activateDual(input, "sigmoid"), activateDual(candidate, "tanh"));
  const next = cell === undefined ? written : addDuals(multiplyDuals(activateDual(forget, "sigmoid"), cell), written);
  return { cell: next, hidden: multiplyDuals(activateDual(output, "sigmoid"), activateDual(next, "tanh")) };
}

function quarters({ value, tangent }: Dual): readonly Dual[] {
  const tangents = tangent === undefined ? [] : tf.split(tangent, 4, 1);
  return untaped(() => tf.split(value, 4, 1)).map((part, i) => ({ value: part, tangent: tangents[i] }));
}

function unstacked({ value, tangent }: Dual): readonly Dual[] {
  const tangents = tangent === undefined ? [] : tf.unstack(tangent);
  return untaped(() => tf.unstack(value)).map((part, i) => ({ value: part, tangent: tangents[i] }));
}

/** x [..., units] to mean 0 and variance 1 over its last axis. */
export function layerNormalizedDual({ value, tangent }: Dual): Dual {
  const normalized = untaped(() => layerNormalized(value));
  return {
    value: normalized,
    tangent: tangent && normalizedTangent({ value, normalized, tangent }, layerAveraging(value.shape)),
  };
}

/** x [batch, ..., channels] to mean 0 and variance 1 over its places and each group of channels. */
export function groupNormalizedDual({ value, tangent }: Dual, groups: number): Dual {
  const normalized = untaped(() => groupNormalized(value, groups));
  const averaging = groupAveraging(value.shape, groups);
  return { value: normalized, tangent: tangent && normalizedTangent({ value, normalized, tangent }, averaging) };
}

function normalizedTangent(
  { value, normalized, tangent }: { readonly value: tf.Tensor; readonly normalized: tf.Tensor; readonly tangent: tf.Tensor },
  { shape, mean, spread }: Averaging,
): tf.Tensor {
  const moved = tf.reshape(tangent, shape);
  const { y, inverse } = untaped(() => {
    const x = tf.reshape(value, shape);
    const variance = mean(tf.square(tf.sub(x, spread(mean(x)))));
    return { y: tf.reshape(normalized, shape), inverse: spread(inverseDeviation(variance)) };
  });
  const along = spread(mean(tf.mul(y, moved)));
  const centered = tf.sub(tf.sub(moved, spread(mean(moved))), tf.mul(y, along));
  return tf.reshape(tf.mul(centered, inverse), value.shape);
}
