/**
 * Gradients of max and average pooling, and the tangent of max pooling, for the wasm backend (algorithms/assembly/pool.ts). Stock tfjs 4.22 walks every window once for every
 * element, some 20 times slower than this, and its max pooling gradient is wrong for overlapping windows with padding. Average pooling's
 * gradient divides by the whole window as on cpu; ../gradients/pool.ts puts windows at the border right for every backend.
 */
import type { KernelConfig, NamedAttrMap } from "@tensorflow/tfjs-core";
import { backend_util, type MaxPoolAttrs } from "@tensorflow/tfjs-core";
import { addressOf, fourOf, input, wasmBackend } from "./heap.js";
import { kernelModule, type PoolShape } from "./module.js";

/** The first of a window's largest elements gets the window's dy. */
export const maxPoolGrad: KernelConfig = {
  kernelName: "MaxPoolGrad",
  backendName: "wasm",
  kernelFunc: ({ inputs, backend: given, attrs }) => {
    const backend = wasmBackend(given);
    const [dy, x, y] = [input(inputs, "dy"), input(inputs, "input"), input(inputs, "output")];
    const out = backend.makeOutput(x.shape, "float32");
    const [dyAt, xAt, yAt, outAt] = [
      addressOf(backend, dy),
      addressOf(backend, x),
      addressOf(backend, y),
      addressOf(backend, out),
    ];
    kernelModule(backend).maxPoolGradient(dyAt, xAt, yAt, outAt, ...poolShape(x.shape, attrs));
    return out;
  },
};

export const MAX_POOL_TANGENT = "RegulusMaxPoolTangent";

/** What `tangent` holds at the first of each window's largest elements: the transpose of MaxPoolGrad, of its attributes. */
export const maxPoolTangentKernel: KernelConfig = {
  kernelName: MAX_POOL_TANGENT,
  backendName: "wasm",
  kernelFunc: ({ inputs, backend: given, attrs }) => {
    const backend = wasmBackend(given);
    const [tangent, x, y] = [input(inputs, "tangent"), input(inputs, "input"), input(inputs, "output")];
    const out = backend.makeOutput(y.shape, "float32");
    const [tangentAt, xAt, yAt, outAt] = [
      addressOf(backend, tangent),
      addressOf(backend, x),
      addressOf(backend, y),
      addressOf(backend, out),
    ];
    kernelModule(backend).maxPoolTangent(tangentAt, xAt, yAt, outAt, ...poolShape(x.shape, attrs));
    return out;
  },
};

/** Every element of a window gets dy over the window's size. */
export const avgPoolGrad: KernelConfig = {
  kernelName: "AvgPoolGrad",
  backendName: "wasm",
  kernelFunc: ({ inputs, backend: given, attrs }) => {
    const backend = wasmBackend(given);
    const [dy, x] = [input(inputs, "dy"), input(inputs, "input")];
    const out = backend.makeOutput(x.shape, "float32");
    const shape = poolShape(x.shape, attrs);
    const window = shape[6] * shape[7];
    kernelModule(backend).averagePoolGradient(addressOf(backend, dy), addressOf(backend, out), ...shape, 1 / window);
    return out;
  },
};

function poolShape(inShape: readonly number[], attrs: NamedAttrMap | undefined): PoolShape {
  // tfjs types a kernel's attributes by name of kernel only; these are the documented ones.
  const { filterSize, strides, pad, dimRoundingMode } = attrs as unknown as MaxPoolAttrs;
  const info = backend_util.computePool2DInfo(fourOf(inShape), filterSize, strides, 1, pad, dimRoundingMode);
  return [
    ...([info.batchSize, info.inHeight, info.inWidth, info.inChannels] as const),
    ...([info.outHeight, info.outWidth] as const),
    ...([info.filterHeight, info.filterWidth, info.strideHeight, info.strideWidth, info.padInfo.top, info.padInfo.left] as const),
  ];
}
