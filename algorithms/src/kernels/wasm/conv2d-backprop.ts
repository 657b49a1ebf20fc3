/**
 * Gradients of conv2d for the wasm backend, by patches and matrix products (algorithms/assembly/conv.ts). Stock tfjs 4.22 has none for the
 * filter, so that no convolution trains, and a scalar one for the input, ten times slower than the convolution itself. Channels last and
 * dilation 1, as the stock convolution and its gradient demand; any stride and padding.
 */
import { RegulusError } from "@regulus/proto";
import type { Conv2DBackpropFilterAttrs, Conv2DBackpropInputAttrs, KernelConfig, NamedAttrMap } from "@tensorflow/tfjs-core";
import { backend_util } from "@tensorflow/tfjs-core";
import { addressOf, fourOf, input, wasmBackend } from "./heap.js";
import { type ConvShape, type KernelModule, kernelModule } from "./module.js";

/** Gradient of a convolution by its filter: [kh, kw, ci, co]. */
export const conv2dBackpropFilter: KernelConfig = {
  kernelName: "Conv2DBackpropFilter",
  backendName: "wasm",
  kernelFunc: ({ inputs, backend: given, attrs }) => {
    const backend = wasmBackend(given);
    const [x, dy] = [input(inputs, "x"), input(inputs, "dy")];
    const { filterShape, ...rest } = filterAttrs(attrs);
    const info = convInfo(x.shape, filterShape, rest);
    const module = kernelModule(backend);
    const out = backend.makeOutput(info.filterShape, "float32");
    const shape = convShape(info, module);
    module.convFilterGradient(addressOf(backend, x), addressOf(backend, dy), addressOf(backend, out), ...shape);
    return out;
  },
};

/** Gradient of a convolution by its input: [batch, h, w, ci]. */
export const conv2dBackpropInput: KernelConfig = {
  kernelName: "Conv2DBackpropInput",
  backendName: "wasm",
  kernelFunc: ({ inputs, backend: given, attrs }) => {
    const backend = wasmBackend(given);
    const [dy, filter] = [input(inputs, "dy"), input(inputs, "filter")];
    const { inputShape, ...rest } = inputAttrs(attrs);
    const info = convInfo(inputShape, filter.shape, rest);
    const module = kernelModule(backend);
    const out = backend.makeOutput(info.inShape, "float32");
    const shape = convShape(info, module);
    module.convInputGradient(addressOf(backend, dy), addressOf(backend, filter), addressOf(backend, out), ...shape);
    return out;
  },
};

type Attributes = Pick<Conv2DBackpropFilterAttrs, "strides" | "pad" | "dataFormat" | "dimRoundingMode">;

/** tfjs types a kernel's attributes by name of kernel only; these are the documented ones. */
function filterAttrs(attrs: NamedAttrMap | undefined): Conv2DBackpropFilterAttrs {
  return attrs as unknown as Conv2DBackpropFilterAttrs;
}

function inputAttrs(attrs: NamedAttrMap | undefined): Conv2DBackpropInputAttrs {
  return attrs as unknown as Conv2DBackpropInputAttrs;
}

function convInfo(inShape: readonly number[], filterShape: readonly number[], attrs: Attributes): backend_util.Conv2DInfo {
  const { strides, pad, dataFormat, dimRoundingMode } = attrs;
  if (dataFormat !== "NHWC")
    throw new RegulusError("invalid-argument", `conv2d on the wasm backend: saw data format ${dataFormat}, expected NHWC`);
  return backend_util.computeConv2DInfo(
    fourOf(inShape),
    fourOf(filterShape),
    strides,
    1,
    pad,
    dimRoundingMode,
    false,
    "channelsLast",
  );
}

function convShape(info: backend_util.Conv2DInfo, module: KernelModule): ConvShape {
  const patch = info.filterHeight * info.filterWidth * info.inChannels;
  return [
    ...([info.batchSize, info.inHeight, info.inWidth, info.inChannels] as const),
    ...([info.outHeight, info.outWidth, info.outChannels] as const),
    ...([info.filterHeight, info.filterWidth, info.strideHeight, info.strideWidth, info.padInfo.top, info.padInfo.left] as const),
    ...([module.columns(patch), module.scratch] as const),
  ];
}
