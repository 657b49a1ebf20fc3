/**
 * Runs the same computation on wasm and on cpu, so that a kernel's test can compare them. For tests; it needs both backends started.
 */
import { assert } from "@regulus/proto";
import * as tf from "@tensorflow/tfjs";

/** What one computation gave on each backend. */
export interface BothAnswers {
  readonly wasm: Float32Array;
  readonly cpu: Float32Array;
}

/**
 * Computes `f` on cpu and on wasm and leaves tfjs on wasm. `f` makes its own inputs, with seeds (tfjs draws random numbers in JavaScript, so
 * both backends see the same ones); all it makes is freed.
 */
export async function onBoth(f: () => tf.Tensor): Promise<BothAnswers> {
  const on = async (backend: "wasm" | "cpu"): Promise<Float32Array> => {
    assert(await tf.setBackend(backend), `backend ${backend} starts`);
    return tf.tidy(() => Float32Array.from(f().dataSync()));
  };
  const cpu = await on("cpu");
  return { cpu, wasm: await on("wasm") };
}

/** Largest distance between two answers over cpu's largest magnitude (or 1 where all of cpu's are smaller than 1e-6). */
export function relativeGap(seen: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (seen.length !== expected.length) return Number.POSITIVE_INFINITY;
  let gap = 0;
  let scale = 0;
  for (let i = 0; i < expected.length; i++) {
    const [s, e] = [seen[i] ?? Number.NaN, expected[i] ?? Number.NaN];
    if (!Number.isFinite(s) || !Number.isFinite(e)) return Number.POSITIVE_INFINITY;
    gap = Math.max(gap, Math.abs(s - e));
    scale = Math.max(scale, Math.abs(e));
  }
  return gap / (scale < 1e-6 ? 1 : scale);
}
