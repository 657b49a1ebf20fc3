/**
 * Puts our training kernels in place of the stock ones of the wasm backend (or beside them, where stock has none). Other backends are
 * left as they are.
 */
import "@tensorflow/tfjs-backend-wasm";
import { assert } from "@regulus/proto";
import type { KernelConfig } from "@tensorflow/tfjs-core";
import { getKernel, registerKernel, unregisterKernel } from "@tensorflow/tfjs-core";
import { quickAdd } from "./add.js";
import { batchMatMul } from "./batch-mat-mul.js";
import { bendGradientKernel, bendKernel } from "./bend.js";
import { bendHalvesGradientKernel, bendHalvesKernel, bendPlacesGradientKernel, bendPlacesKernel } from "./bend-places.js";
import { bentSquaresGradientKernel, bentSquaresKernel } from "./bent-squares.js";
import { conv2dBackpropFilter, conv2dBackpropInput } from "./conv2d-backprop.js";
import { transposeFirst } from "./fused-mat-mul.js";
import { quickGather } from "./gather.js";
import {
  hyperDenseGradientKernel,
  hyperDenseInputGradientKernel,
  hyperDenseKernel,
  hyperDenseUnbiasedKernel,
  hyperTangentKernel,
  hyperTangentUnbiasedKernel,
} from "./hyper-dense.js";
import { lstmCellGradientKernel, lstmCellKernel } from "./lstm-cell.js";
import { quickSlice, quickSplit, quickUnstack } from "./parts.js";
import { avgPoolGrad, maxPoolGrad, maxPoolTangentKernel } from "./pool-gradients.js";
import { reluGradientKernel } from "./relu-gradient.js";
import { shareCast, shareIdentity } from "./share.js";
import { softmaxCrossEntropyGradientKernel, softmaxCrossEntropyKernel } from "./softmax-cross-entropy.js";
import { quickSum } from "./sum.js";
import { unfilledKernel } from "./unfilled.js";
import { unsortedSegmentSum } from "./unsorted-segment-sum.js";

const OURS = [
  batchMatMul,
  conv2dBackpropFilter,
  conv2dBackpropInput,
  maxPoolGrad,
  avgPoolGrad,
  maxPoolTangentKernel,
  unsortedSegmentSum,
  bendKernel,
  bendGradientKernel,
  bendPlacesKernel,
  bendPlacesGradientKernel,
  bendHalvesKernel,
  bendHalvesGradientKernel,
  bentSquaresKernel,
  bentSquaresGradientKernel,
  hyperDenseKernel,
  hyperDenseUnbiasedKernel,
  hyperDenseGradientKernel,
  hyperDenseInputGradientKernel,
  hyperTangentKernel,
  hyperTangentUnbiasedKernel,
  lstmCellKernel,
  lstmCellGradientKernel,
  reluGradientKernel,
  softmaxCrossEntropyKernel,
  softmaxCrossEntropyGradientKernel,
  unfilledKernel,
];

let installed = false;

/** Installs every kernel, once; later calls do nothing. */
export function installWasmKernels(): void {
  if (installed) return;
  installed = true;
  for (const kernel of OURS) replace(kernel);
  replace(quickGather(stock("GatherV2")));
  replace(quickSlice(stock("Slice")));
  replace(quickSplit(stock("SplitV")));
  replace(quickUnstack(stock("Unpack")));
  replace(transposeFirst(stock("_FusedMatMul")));
  replace(quickAdd(stock("Add")));
  replace(quickSum(stock("Sum")));
  replace(shareIdentity(stock("Identity")));
  replace(shareCast(stock("Cast")));
}

function stock(kernelName: string): KernelConfig {
  const config = getKernel(kernelName, "wasm");
  assert(config !== undefined, `tfjs registers ${kernelName} for wasm`);
  return config;
}

function replace(config: KernelConfig): void {
  if (getKernel(config.kernelName, "wasm") !== undefined) unregisterKernel(config.kernelName, "wasm");
  registerKernel(config);
}
