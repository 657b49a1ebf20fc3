/**
 * The implementation of Rng. A key of any length is hashed to 128 bits with Philox as the compression function; a stream of that key is
 * xoshiro128++ whose state is Philox of the 128 bits. Philox alone would give a stream at 4 times the cost; here it pays once a key, and the
 * stream fills masks at a few nanoseconds a number. Streams of different keys start at unrelated places of a period of 2^128 - 1.
 * Source: philox.ts, xoshiro.ts and ziggurat.ts for the generators and for normal numbers; the pairing is ours.
 */
import { assert } from "@regulus/proto";
import { type Block, philox } from "./philox.js";
import type { Rng } from "./rng.js";
import { fillWords } from "./xoshiro.js";
import { normalFrom } from "./ziggurat.js";

/** Where every key begins: the first 128 bits of the fraction of pi, so that nobody need wonder. */
const root: Block = [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344];
/** Second word of the blocks that carry a key's element, so that no string can pass for a number. */
const tagNumber = 1;
const tagString = 2;
/** Philox key of the block that gives a stream its state; no element of a key is hashed under it. */
const streamKey = [0x73747265, 0x616d2e2e] as const;

/** Random numbers keyed by a seed. @param seed a whole number from 0 to 2^53 - 1. */
export function createRng(seed: number): Rng {
  assert(Number.isSafeInteger(seed) && seed >= 0, `a seed is a whole number from 0 to 2^53 - 1, not ${seed}`);
  return new KeyedRng(absorb(root, seed));
}

class KeyedRng implements Rng {
  readonly #identity: Block;
  /** State of the stream; made at the first draw, since many keys are only forked. */
  #words: Int32Array | undefined;
  /** The word that came first in the newest fork, and the identity after it: a search forks all of its trials under one word. */
  #word: { readonly text: string; readonly identity: Block } | undefined;

  constructor(identity: Block) {
    this.#identity = identity;
  }

  fork(...keys: readonly (string | number)[]): Rng {
    const [first, ...others] = keys;
    return new KeyedRng(
      typeof first === "string" ? others.reduce(absorb, this.#after(first)) : keys.reduce(absorb, this.#identity),
    );
  }

  uniform(): number {
    const state = this.#state();
    return (next(state) >>> 0) * 2 ** -32 + (next(state) >>> 11) * 2 ** -53;
  }

  integer(bound: number): number {
    assert(Number.isSafeInteger(bound - 1) && bound >= 1, `integer() takes a bound from 1 to 2^53, not ${bound}`);
    const state = this.#state();
    const wide = bound > 2 ** 32;
    const range = wide ? 2 ** 53 : 2 ** 32;
    const accepted = range - (range % bound);
    for (;;) {
      const low = next(state) >>> 0;
      const drawn = wide ? (next(state) >>> 11) * 2 ** 32 + low : low;
      if (drawn < accepted) return drawn % bound;
    }
  }

  normal(): number {
    const state = this.#state();
    return normalFrom(next(state), () => next(state));
  }

  fillUniform(out: Float32Array | Float64Array): void {
    const state = this.#state();
    if (out instanceof Float32Array) fillUniform32(state, out);
    else fillUniform64(state, out);
  }

  fillNormal(out: Float32Array | Float64Array): void {
    fillNormals(this.#state(), out);
  }

  permutation(count: number): Int32Array<ArrayBuffer> {
    const out = Int32Array.from({ length: count }, (_, index) => index);
    for (let last = count - 1; last > 0; last--) {
      const other = this.integer(last + 1);
      const moved = out[last] ?? 0;
      out[last] = out[other] ?? 0;
      out[other] = moved;
    }
    return out;
  }

  #after(text: string): Block {
    if (this.#word?.text !== text) this.#word = { text, identity: absorb(this.#identity, text) };
    return this.#word.identity;
  }

  #state(): Int32Array {
    // Philox is a bijection, so that exactly one key in 2^128 gives the all-zero state, which xoshiro never leaves.
    this.#words ??= Int32Array.from(philox(this.#identity, streamKey));
    return this.#words;
  }
}

/** Scratch, never read before it is written in the same call: the bits of a number, one word, many words. */
const bits = new DataView(new ArrayBuffer(8));
const single = new Int32Array(1);
const chunk = new Int32Array(1024);

/** Hashes one more element into an identity: Davies-Meyer over Philox, element by element, in blocks of 32 bits and a tag. */
function absorb(identity: Block, element: string | number): Block {
  if (typeof element === "number") {
    bits.setFloat64(0, element === 0 ? 0 : element); // -0 and 0 are one key
    return compress(compress(identity, tagNumber, bits.getUint32(0)), tagNumber, bits.getUint32(4));
  }
  let hashed = compress(identity, tagString, element.length);
  for (let at = 0; at < element.length; at += 2) {
    const word = element.charCodeAt(at) * 0x10000 + (at + 1 < element.length ? element.charCodeAt(at + 1) : 0);
    hashed = compress(hashed, tagString, word);
  }
  return hashed;
}

function compress(identity: Block, tag: number, word: number): Block {
  const mixed = philox(identity, [word, tag]);
  return [
    (mixed[0] ^ identity[0]) >>> 0,
    (mixed[1] ^ identity[1]) >>> 0,
    (mixed[2] ^ identity[2]) >>> 0,
    (mixed[3] ^ identity[3]) >>> 0,
  ];
}

/** One step of xoshiro128++; a signed 32-bit word. */
function next(state: Int32Array): number {
  fillWords(state, single, 1);
  return single[0] ?? 0;
}

function fillUniform32(state: Int32Array, out: Float32Array): void {
  for (let from = 0; from < out.length; from += chunk.length) {
    const count = Math.min(chunk.length, out.length - from);
    fillWords(state, chunk, count);
    for (let at = 0; at < count; at++) out[from + at] = ((chunk[at] ?? 0) >>> 8) * 2 ** -24;
  }
}

function fillUniform64(state: Int32Array, out: Float64Array): void {
  const half = chunk.length / 2;
  for (let from = 0; from < out.length; from += half) {
    const count = Math.min(half, out.length - from);
    fillWords(state, chunk, 2 * count);
    for (let at = 0; at < count; at++) {
      out[from + at] = ((chunk[2 * at] ?? 0) >>> 0) * 2 ** -32 + ((chunk[2 * at + 1] ?? 0) >>> 11) * 2 ** -53;
    }
  }
}

function fillNormals(state: Int32Array, out: Float32Array | Float64Array): void {
  const more = () => next(state);
  for (let from = 0; from < out.length; from += chunk.length) {
    const count = Math.min(chunk.length, out.length - from);
    fillWords(state, chunk, count);
    for (let at = 0; at < count; at++) out[from + at] = normalFrom(chunk[at] ?? 0, more);
  }
}
