/**
 * Parts of a tensor for the wasm backend: slice, split, unstack. Stock tfjs 4.22 copies the whole tensor out of the heap for every part that it
 * takes, so that unstacking a sequence of T times copies it T times. Here only the part is copied, by runs that lie together.
 */
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { backend_util, type KernelConfig, slice_util, type TensorInfo, util } from "@tensorflow/tfjs-core";
import { input, wasmBackend } from "./heap.js";

/** The stock slice's config, with all but strings taken out of it. */
export function quickSlice(stock: KernelConfig): KernelConfig {
  return {
    ...stock,
    kernelFunc: (call) => {
      const x = input(call.inputs, "x");
      if (x.dtype === "string") return stock.kernelFunc(call);
      const { begin, size } = attributesOf<{ begin: number | number[]; size?: number | number[] }>(call.attrs);
      // It asks for a Tensor and reads its shape alone.
      const [from, lengths] = slice_util.parseSliceParams(x as Parameters<typeof slice_util.parseSliceParams>[0], begin, size);
      return part(wasmBackend(call.backend), x, from ?? [], lengths ?? []);
    },
  };
}

/** The stock split's config, with all but strings taken out of it. */
export function quickSplit(stock: KernelConfig): KernelConfig {
  return {
    ...stock,
    kernelFunc: (call) => {
      const x = input(call.inputs, "x");
      if (x.dtype === "string") return stock.kernelFunc(call);
      const { numOrSizeSplits, axis } = attributesOf<{ numOrSizeSplits: number | number[]; axis: number }>(call.attrs);
      const along = axis < 0 ? axis + x.shape.length : axis;
      const lengths = backend_util.prepareSplitSize(
        x as Parameters<typeof backend_util.prepareSplitSize>[0],
        numOrSizeSplits,
        along,
      );
      let from = 0;
      return lengths.map((length) => {
        const one = part(wasmBackend(call.backend), x, at(x, along, from, 0), at(x, along, length));
        from += length;
        return one;
      });
    },
  };
}

/** The stock unstack's config, with all but strings taken out of it. */
export function quickUnstack(stock: KernelConfig): KernelConfig {
  return {
    ...stock,
    kernelFunc: (call) => {
      const x = input(call.inputs, "value");
      if (x.dtype === "string") return stock.kernelFunc(call);
      const { axis } = attributesOf<{ axis: number }>(call.attrs);
      const along = axis < 0 ? axis + x.shape.length : axis;
      const shape = x.shape.filter((_, other) => other !== along);
      return Array.from({ length: x.shape[along] ?? 0 }, (_, i) => {
        const { dataId, dtype } = part(wasmBackend(call.backend), x, at(x, along, i, 0), at(x, along, 1));
        return { dataId, dtype, shape };
      });
    },
  };
}

/** tfjs types a kernel's attributes by name of kernel only; these are the documented ones. */
function attributesOf<Attributes>(attrs: object | undefined): Attributes {
  return attrs as Attributes;
}

/** The shape of x, or `other` everywhere, with a number of its own along one axis. */
function at({ shape }: TensorInfo, along: number, number: number, other?: number): number[] {
  return shape.map((length, axis) => (axis === along ? number : (other ?? length)));
}

/** A copy of the numbers from `begin` on, `size` of them along each axis. */
function part(backend: BackendWasm, x: TensorInfo, begin: readonly number[], size: readonly number[]): TensorInfo {
  const out = backend.makeOutput([...size], x.dtype);
  if (util.sizeFromShape([...size]) === 0) return out;
  const [from, to] = [backend.typedArrayFromHeap(x), backend.typedArrayFromHeap(out)];
  const strides = stridesOf(x.shape);
  // Axes from `split` on are taken whole, so that a run is a stretch along the axis before them.
  let split = x.shape.length;
  while (split > 1 && size[split - 1] === x.shape[split - 1]) split--;
  const along = Math.max(0, split - 1);
  const run = x.shape.length === 0 ? 1 : (size[along] ?? 1) * (strides[along] ?? 1);
  let offset = begin.reduce((sum, start, axis) => sum + start * (strides[axis] ?? 1), 0);
  const place = new Array<number>(along).fill(0);
  for (let written = 0; written < to.length; written += run) {
    copyRun(from, offset, to, written, run);
    for (let axis = along - 1; axis >= 0; axis--) {
      const [stride, length, next] = [strides[axis] ?? 1, size[axis] ?? 1, (place[axis] ?? 0) + 1];
      offset += stride;
      place[axis] = next;
      if (next < length) break;
      offset -= length * stride;
      place[axis] = 0;
    }
  }
  return out;
}

/** Short runs are quicker number by number than by a call. */
const shortRun = 16;

type Numbers = ReturnType<BackendWasm["typedArrayFromHeap"]>;

function copyRun(from: Numbers, offset: number, to: Numbers, at: number, run: number): void {
  if (run > shortRun) to.set(from.subarray(offset, offset + run), at);
  else for (let i = 0; i < run; i++) to[at + i] = from[offset + i] ?? 0;
}

function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = (strides[axis + 1] ?? 1) * (shape[axis + 1] ?? 1);
  return strides;
}
