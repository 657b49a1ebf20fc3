/**
 * Standard normal numbers from 32-bit words by the ziggurat: 256 layers of equal area, one word a number but for one in a hundred. The low
 * 8 bits of a word choose the layer and the upper 24 the place in it, so that the two are independent.
 * Source: Marsaglia and Tsang, "The ziggurat method for generating random variables", J. Stat. Soft. 5 (2000); in the form of Doornik, "An
 * improved ziggurat method to generate normal random samples" (2005), whose layers and places do not share bits.
 */
const layers = 256;
/** Where the tail begins, and the area of each layer (the lowest has the tail in it), for exp(-x^2 / 2). */
const tailStart = 3.6541528853610088;
const layerArea = 0.00492867323399;

/** Right end of each layer, from the lowest up; the lowest as wide as its area demands. Ends with 0. */
const ends = layerEnds();
/** Places of a layer that lie below the density wherever they are in it: those under the next layer's end, in 2^-23. */
const certain = Int32Array.from({ length: layers }, (_, i) => Math.floor(2 ** 23 * (end(i + 1) / end(i))));
/** What a place is multiplied by. */
const steps = Float64Array.from({ length: layers }, (_, i) => end(i) * 2 ** -23);

/** The normal number of a word, with further words where it needs them. @param word signed, uniform. @param next the next such word. */
export function normalFrom(word: number, next: () => number): number {
  for (let drawn = word; ; drawn = next()) {
    const layer = drawn & 255;
    // Halves keep 0 out and the two signs alike.
    const place = (drawn >> 8) + 0.5;
    const x = place * (steps[layer] ?? 0);
    if (Math.abs(place) < (certain[layer] ?? 0)) return x;
    if (layer === 0) return place < 0 ? -tail(next) : tail(next);
    const atEnd = Math.exp((x * x - end(layer) ** 2) / 2);
    const atNext = Math.exp((x * x - end(layer + 1) ** 2) / 2);
    if (atEnd + uniform(next) * (atNext - atEnd) < 1) return x;
  }
}

/** Beyond the start of the tail. Marsaglia, "Generating a variable from the tail of the normal distribution", Technometrics 6 (1964). */
function tail(next: () => number): number {
  for (;;) {
    const x = -Math.log(uniform(next)) / tailStart;
    if (-2 * Math.log(uniform(next)) >= x * x) return tailStart + x;
  }
}

/** In (0, 1). */
function uniform(next: () => number): number {
  return (next() >>> 0) * 2 ** -32 + 2 ** -33;
}

function layerEnds(): Float64Array {
  const found = new Float64Array(layers + 1);
  let density = Math.exp(-(tailStart ** 2) / 2);
  found[0] = layerArea / density;
  found[1] = tailStart;
  for (let i = 2; i < layers; i++) {
    const x = Math.sqrt(-2 * Math.log(layerArea / (found[i - 1] ?? 0) + density));
    found[i] = x;
    density = Math.exp(-(x ** 2) / 2);
  }
  return found;
}

function end(i: number): number {
  return ends[i] ?? 0;
}
