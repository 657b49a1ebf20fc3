/**
 * The order in which samples stand in a round. Neighbours in a data set are often alike (frames of a film, classes one after the other), and shards are
 * contiguous parts of a round: in the data's own order one shard would get the dear samples. So samples are dealt out: position p holds the sample whose
 * number, its bits read backwards, is the p-th smallest (van der Corput's sequence). The first half of a round are the samples with even numbers, its
 * first quarter those that 4 divides, and every contiguous part is spread over the whole set. The order depends on the number of samples alone, so that
 * sums along it do not depend on shards.
 */
import { assert } from "@regulus/proto";

/** Sample at each position; a permutation of 0 to samples - 1. */
export function dealtOrder(samples: number): readonly number[] {
  const bits = Math.ceil(Math.log2(Math.max(1, samples)));
  const order: number[] = [];
  for (let code = 0; code < 2 ** bits; code++) {
    const sample = reversed(code, bits);
    if (sample < samples) order.push(sample);
  }
  return order;
}

/** The sample at one position. */
export function sampleAt(samples: number, position: number): number {
  const sample = dealtOrder(samples)[position];
  assert(sample !== undefined, `there is a position ${position} of ${samples}`);
  return sample;
}

/** One item a sample, put in the order of positions. */
export function dealt<Item>(items: readonly Item[]): readonly Item[] {
  return dealtOrder(items.length).map((sample) => items[sample] as Item);
}

function reversed(code: number, bits: number): number {
  let [rest, out] = [code, 0];
  for (let bit = 0; bit < bits; bit++) {
    out = 2 * out + (rest % 2);
    rest = Math.floor(rest / 2);
  }
  return out;
}
