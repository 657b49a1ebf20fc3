/**
 * base + slope * by + bias where by and bias belong to an example, and base and slope to each of its places (pixels, times): how activations
 * follow hyperparameters. On wasm a pass forward and a pass back; elsewhere, and where a gradient is itself differentiated, plain operations.
 */
import { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import type { GradConfig, Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { one } from "./gradients/parts.js";
import { isTaped } from "./taping.js";
import { BEND_HALVES, BEND_HALVES_GRADIENT, BEND_PLACES, BEND_PLACES_GRADIENT } from "./wasm/bend-places.js";

/** Like slope [batch, ..., columns]. @param by [batch, columns], as bias is. @param base like slope. */
export function bendPlaces(base: Tensor | undefined, slope: Tensor, by: Tensor, bias?: Tensor): Tensor {
  if (tf.backend() instanceof BackendWasm) {
    const inputs = { ...(base === undefined ? {} : { base }), slope, by, ...(bias === undefined ? {} : { bias }) };
    return tf.engine().runKernel<Tensor>(BEND_PLACES, inputs);
  }
  const bent = tf.mul(slope, atPlaces(by, slope.rank));
  return [base, bias && atPlaces(bias, slope.rank)].reduce<Tensor>(
    (sum, term) => (term === undefined ? sum : tf.add(term, sum)),
    bent,
  );
}

/** The same with base and slope in one tensor [batch, ..., 2 columns], base's columns first. */
export function bendHalves(both: Tensor, by: Tensor, bias: Tensor): Tensor {
  if (tf.backend() instanceof BackendWasm) return tf.engine().runKernel<Tensor>(BEND_HALVES, { both, by, bias });
  const [base, slope] = halvesOf(both);
  return bendPlaces(base, slope, by, bias);
}

/** [batch, columns] to [batch, 1 ..., columns] of a rank. */
export function atPlaces(x: Tensor, rank: number): Tensor {
  const [batch = 0, columns = 0] = x.shape;
  return rank === 2 ? x : tf.reshape(x, [batch, ...Array<number>(rank - 2).fill(1), columns]);
}

/** Gradients by slope, by and bias. */
export function placesGradient(dy: Tensor, slope: Tensor, by: Tensor): readonly [Tensor, Tensor, Tensor] {
  if (!isTaped()) {
    const [bySlope, byBy, byBias] = tf.engine().runKernel<Tensor[]>(BEND_PLACES_GRADIENT, { dy, slope, by });
    return [one(bySlope), one(byBy), one(byBias)];
  }
  return [tf.mul(dy, atPlaces(by, dy.rank)), overPlaces(tf.mul(dy, slope)), overPlaces(dy)];
}

export const bendPlacesGradient: GradConfig = {
  kernelName: BEND_PLACES,
  inputsToSave: ["slope", "by"],
  gradFunc: (given, [slope, by]) => {
    const dy = one(given);
    // All at once and here: tfjs frees what is made inside one of the gradients.
    const [bySlope, byBy, byBias] = placesGradient(dy, one(slope), one(by));
    return { base: () => dy, slope: () => bySlope, by: () => byBy, bias: () => byBias };
  },
};

export const bendHalvesGradient: GradConfig = {
  kernelName: BEND_HALVES,
  inputsToSave: ["both", "by"],
  gradFunc: (given, [savedBoth, savedBy]) => {
    const [dy, both, by] = [one(given), one(savedBoth), one(savedBy)];
    const gradients = isTaped()
      ? tapedHalves(dy, both, by)
      : tf.engine().runKernel<Tensor[]>(BEND_HALVES_GRADIENT, { dy, both, by });
    const [byBoth, byBy, byBias] = gradients.map(one);
    return { both: () => one(byBoth), by: () => one(byBy), bias: () => one(byBias) };
  },
};

function tapedHalves(dy: Tensor, both: Tensor, by: Tensor): readonly Tensor[] {
  const [bySlope, ...rest] = placesGradient(dy, halvesOf(both)[1], by);
  return [tf.concat([dy, one(bySlope)], dy.rank - 1), ...rest];
}

function halvesOf(both: Tensor): readonly [Tensor, Tensor] {
  const [base, slope] = tf.split(both, 2, both.rank - 1);
  return [one(base), one(slope)];
}

function overPlaces(x: Tensor): Tensor {
  return x.rank === 2 ? x : tf.sum(x, x.shape.map((_, axis) => axis).slice(1, -1));
}
