/**
 * Keyed, counter-based random numbers: what is drawn depends on the key alone, never on what was drawn elsewhere before, so that
 * re-dispatch, resume and the number of agents change nothing.
 */

/** A stream of random numbers that belongs to a key. */
export interface Rng {
  /** The stream of a longer key. Depends on this stream's key, not on what was drawn from it. */
  fork(...keys: readonly (string | number)[]): Rng;
  /** A real number in [0, 1) with 53 random bits. */
  uniform(): number;
  /** A whole number in [0, bound), without bias. `bound` from 1 to 2^53. */
  integer(bound: number): number;
  /** A standard normal number. */
  normal(): number;
  /** Fills with uniform numbers in [0, 1). */
  fillUniform(out: Float32Array | Float64Array): void;
  /** Fills with standard normal numbers. */
  fillNormal(out: Float32Array | Float64Array): void;
  /** The numbers 0 to count - 1 in random order. */
  permutation(count: number): Int32Array<ArrayBuffer>;
}
