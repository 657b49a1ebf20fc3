/** Puts gradients that can be differentiated again in the place of tfjs's that cannot, on every backend. */
import { type GradConfig, getGradient, registerGradient, unregisterGradient } from "@tensorflow/tfjs-core";
import { bendHalvesGradient, bendPlacesGradient } from "../bend-places.js";
import { bentSquaresGradient } from "../bent-squares.js";
import { hyperDenseGradients } from "../hyper-dense.js";
import { hyperTangentGradients } from "../hyper-tangent.js";
import { bendGradientGradient } from "./bend.js";
import { comparisonGradients } from "./comparisons.js";
import { conv2dBackpropFilterGradient } from "./conv2d.js";
import { eluGradient, expGradient, powGradient, sigmoidGradient, softmaxGradient, tanhGradient } from "./elementwise.js";
import { lstmCellGradient } from "./lstm-cell.js";
import { averagePoolGradGradient, averagePoolGradient, maxPoolGradGradient } from "./pool.js";
import { reluGradient } from "./relu.js";
import { softmaxCrossEntropyGradient } from "./softmax-cross-entropy.js";

const GRADIENTS: readonly GradConfig[] = [
  expGradient,
  tanhGradient,
  sigmoidGradient,
  eluGradient,
  softmaxGradient,
  powGradient,
  conv2dBackpropFilterGradient,
  averagePoolGradient,
  averagePoolGradGradient,
  maxPoolGradGradient,
  bendGradientGradient,
  bendPlacesGradient,
  bendHalvesGradient,
  bentSquaresGradient,
  ...hyperDenseGradients,
  ...hyperTangentGradients,
  lstmCellGradient,
  reluGradient,
  softmaxCrossEntropyGradient,
  ...comparisonGradients,
];

/** Installs them. Call it again after a module that may import all of `@tensorflow/tfjs`, which registers tfjs's own. */
export function installGradients(): void {
  for (const gradient of GRADIENTS) {
    if (getGradient(gradient.kernelName) === gradient) continue;
    if (getGradient(gradient.kernelName) !== undefined) unregisterGradient(gradient.kernelName);
    registerGradient(gradient);
  }
}
