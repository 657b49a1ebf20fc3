/**
 * The arithmetic of fields of experts (algorithms/assembly/experts.ts) as functions of arrays: mirrors images at their edges into WebAssembly memory,
 * calls, and folds what comes out back; that is a fiftieth of the work. One instance serves all problems of a thread, one call after the other.
 */
import { assert } from "@regulus/proto";
import { EXPERTS_MODULE_BASE64 } from "./experts-module.generated.js";
import type { FilterSide } from "./filter-sides.js";

/** Sizes of an image and of the filters over it. */
export interface ExpertsShape {
  /** Both at least half the side. */
  readonly width: number;
  readonly height: number;
  readonly side: FilterSide;
  /** K. */
  readonly filters: number;
}

/** What the filters are at some hyperparameters. */
export interface ExpertFilters {
  /** [K, side, side] */
  readonly taps: Float64Array;
  /** [K], positive. */
  readonly weights: Float64Array;
  /** Squared smoothings [K], positive. */
  readonly smoothings: Float64Array;
}

/** Derivatives of q' gradient by what the filters are made of. */
export interface ExpertsCross {
  /** By the logarithms of weights [K]. */
  readonly byWeights: Float64Array;
  /** By the logarithms of smoothings, not squared [K]. */
  readonly bySmoothings: Float64Array;
  /** By taps [K, side, side]. */
  readonly byTaps: Float64Array;
}

/**
 * For images of one size; x, y, q, v and `out` are [height, width]. c * x has a response for every pixel, with the filter's middle there; beyond the
 * edges it sees the image mirrored, the outermost pixel first. No call keeps its arguments.
 */
export interface ExpertsKernels {
  /** out = x - y + the gradient of sum_k w_k sum sqrt((c_k * x)^2 + s_k). */
  gradient(filters: ExpertFilters, x: Float64Array, y: Float64Array, out: Float64Array): void;
  /** sum_k w_k sum sqrt((c_k * x)^2 + s_k). */
  energy(filters: ExpertFilters, x: Float64Array): number;
  /** The Hessian of 1/2 |x - y|^2 and that energy at x, as products with it. Keeps neither filters nor x. */
  hessianAt(filters: ExpertFilters, x: Float64Array): (v: Float64Array, out: Float64Array) => void;
  cross(filters: ExpertFilters, x: Float64Array, q: Float64Array): ExpertsCross;
}

export function expertsKernels({ width, height, side, filters }: ExpertsShape): ExpertsKernels {
  const half = (side - 1) / 2;
  assert(width >= half && height >= half, `an image of ${width} by ${height} can be mirrored by ${half} pixels`);
  const source = mirroredPlaces(width, height, half);
  const extended = source.length;
  const frame = (height + 2 * (side - 1)) * (width + 2 * (side - 1));
  const taps = filters * side * side;
  const size = [side, height, width, filters] as const;
  const place = layOut({
    x: extended,
    q: extended,
    out: extended,
    taps,
    weights: filters,
    smoothings: filters,
    byWeights: filters,
    bySmoothings: filters,
    byTaps: taps,
    frame,
    other: frame,
    curvatures: filters * height * width,
  });
  /** The instance, with what these calls work on written into its memory. */
  const entered = (of: ExpertFilters, x: Float64Array): Instance => {
    const instance = instanceOf(place.end);
    instance.resident = undefined;
    instance.write(place.taps, of.taps);
    instance.write(place.weights, of.weights);
    instance.write(place.smoothings, of.smoothings);
    instance.gather(place.x, x, source);
    instance.calls.clearFrame(place.frame, side, height, width);
    return instance;
  };
  const filtersAt = [place.taps, place.weights, place.smoothings, place.frame] as const;

  return {
    gradient(of, x, y, out) {
      const instance = entered(of, x);
      instance.calls.gradient(place.x, place.out, ...filtersAt, ...size);
      for (let i = 0; i < out.length; i++) out[i] = (x[i] as number) - (y[i] as number);
      instance.addScattered(place.out, source, out);
    },
    energy: (of, x) => entered(of, x).calls.energy(place.x, ...filtersAt, ...size),
    hessianAt(of, x) {
      const made = entered(of, x);
      made.calls.curvatures(place.x, place.curvatures, ...filtersAt, ...size);
      const [keptTaps, curvatures] = [of.taps.slice(), new Float64Array(filters * height * width)];
      made.read(place.curvatures, curvatures);
      return (v, out) => {
        const instance = instanceOf(place.end);
        // The many products of one solve come one after the other: what they share is written once.
        if (instance.resident !== curvatures) {
          instance.write(place.taps, keptTaps);
          instance.write(place.curvatures, curvatures);
          instance.calls.clearFrame(place.frame, side, height, width);
          instance.resident = curvatures;
        }
        instance.gather(place.x, v, source);
        instance.calls.product(place.x, place.out, place.taps, place.curvatures, place.frame, ...size);
        out.set(v);
        instance.addScattered(place.out, source, out);
      };
    },
    cross(of, x, q) {
      const instance = entered(of, x);
      instance.calls.clearFrame(place.other, side, height, width);
      instance.gather(place.q, q, source);
      const by = [place.byWeights, place.bySmoothings, place.byTaps] as const;
      instance.calls.cross(place.x, place.q, ...by, ...filtersAt, place.other, ...size);
      const [byWeights, bySmoothings, byTaps] = [new Float64Array(filters), new Float64Array(filters), new Float64Array(taps)];
      instance.read(place.byWeights, byWeights);
      instance.read(place.bySmoothings, bySmoothings);
      instance.read(place.byTaps, byTaps);
      return { byWeights, bySmoothings, byTaps };
    },
  };
}

/** For each pixel of an image mirrored outwards by `margin`, the outermost pixel first, the one that it shows: its index in the image. */
function mirroredPlaces(width: number, height: number, margin: number): Int32Array {
  const inside = (i: number, length: number): number => (i < 0 ? -1 - i : i >= length ? 2 * length - 1 - i : i);
  const columns = width + 2 * margin;
  return Int32Array.from({ length: columns * (height + 2 * margin) }, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    return inside(row - margin, height) * width + inside(column - margin, width);
  });
}

/** Addresses, in bytes, of arrays of so many elements one behind the other; `end` is where the last ends. */
function layOut<Name extends string>(lengths: Readonly<Record<Name, number>>): Readonly<Record<Name | "end", number>> {
  let end = 0;
  const places = Object.entries<number>(lengths).map(([name, length]) => {
    const at = end;
    end += 8 * length;
    return [name, at] as const;
  });
  return Object.fromEntries([...places, ["end", end]]) as Record<Name | "end", number>;
}

type Size = readonly [side: number, rows: number, columns: number, filters: number];
type FiltersAt = readonly [taps: number, weights: number, smoothings: number, frame: number];

/** The module's functions, with addresses in bytes: see algorithms/assembly/experts.ts. */
interface Calls {
  clearFrame(frame: number, side: number, rows: number, columns: number): void;
  gradient(...args: [x: number, out: number, ...FiltersAt, ...Size]): void;
  energy(...args: [x: number, ...FiltersAt, ...Size]): number;
  curvatures(...args: [x: number, out: number, ...FiltersAt, ...Size]): void;
  product(...args: [v: number, out: number, taps: number, curvatures: number, frame: number, ...Size]): void;
  cross(
    ...args: [
      ...at: [x: number, q: number, byWeights: number, bySmoothings: number, byTaps: number],
      ...FiltersAt,
      other: number,
      ...Size,
    ]
  ): void;
}

/** What WebAssembly's memory grows by. */
const pageBytes = 65_536;

class Instance {
  readonly calls: Calls;
  /** Curvatures that lie in the memory with their taps and a clear frame, until the next call of another kind. */
  resident: Float64Array | undefined;
  readonly #memory: WebAssembly.Memory;
  #elements: Float64Array;

  constructor() {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(EXPERTS_MODULE_BASE64, "base64")), {});
    assert(exports.memory instanceof WebAssembly.Memory, "the module of fields of experts exports its memory");
    this.#memory = exports.memory;
    this.#elements = new Float64Array(this.#memory.buffer);
    this.calls = exports as unknown as Calls;
  }

  holdAtLeast(bytes: number): void {
    const lacking = bytes - this.#memory.buffer.byteLength;
    if (lacking <= 0) return;
    this.#memory.grow(Math.ceil(lacking / pageBytes));
    this.#elements = new Float64Array(this.#memory.buffer);
  }

  write(at: number, values: Float64Array): void {
    this.#elements.set(values, at / 8);
  }

  read(at: number, out: Float64Array): void {
    out.set(this.#elements.subarray(at / 8, at / 8 + out.length));
  }

  /** Writes the value at `source[i]`, for each i. */
  gather(at: number, values: Float64Array, source: Int32Array): void {
    const [elements, from] = [this.#elements, at / 8];
    for (let i = 0; i < source.length; i++) elements[from + i] = values[source[i] as number] as number;
  }

  /** The transpose of `gather`, added to `out`. */
  addScattered(at: number, source: Int32Array, out: Float64Array): void {
    const [elements, from] = [this.#elements, at / 8];
    for (let i = 0; i < source.length; i++) {
      const to = source[i] as number;
      out[to] = (out[to] as number) + (elements[from + i] as number);
    }
  }
}

let shared: Instance | undefined;

/** The thread's instance, with memory for so many bytes. */
function instanceOf(bytes: number): Instance {
  shared ??= new Instance();
  shared.holdAtLeast(bytes);
  return shared;
}
