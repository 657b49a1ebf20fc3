/**
 * xoshiro128++: a fast stream of 32-bit words from 128 bits of state, period 2^128 - 1, without known statistical faults in its words.
 * Source: Blackman and Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47 (2021), and their reference code.
 */

/** The next `count` words of a state of four, not all zero, into `out`, signed. The hot loop of all drawing: the state lives in locals. */
export function fillWords(state: Int32Array, out: Int32Array, count: number): void {
  let s0 = state[0] ?? 0;
  let s1 = state[1] ?? 0;
  let s2 = state[2] ?? 0;
  let s3 = state[3] ?? 0;
  for (let at = 0; at < count; at++) {
    const sum = (s0 + s3) | 0;
    out[at] = (((sum << 7) | (sum >>> 25)) + s0) | 0;
    const shifted = s1 << 9;
    s2 ^= s0;
    s3 ^= s1;
    s1 ^= s2;
    s0 ^= s3;
    s2 ^= shifted;
    s3 = (s3 << 11) | (s3 >>> 21);
  }
  state[0] = s0;
  state[1] = s1;
  state[2] = s2;
  state[3] = s3;
}
