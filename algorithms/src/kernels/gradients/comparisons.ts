/**
 * Zero gradients for comparisons and logic. Stock registers none, so that every gradient made with one of them (max, minimum, leakyRelu,
 * clipByValue) throws when it is differentiated again.
 */
import type { GradConfig } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { one } from "./parts.js";

const BINARY = ["Equal", "NotEqual", "Greater", "GreaterEqual", "Less", "LessEqual", "LogicalAnd", "LogicalOr"];

export const comparisonGradients: readonly GradConfig[] = [
  ...BINARY.map((kernelName) => flat(kernelName, ["a", "b"])),
  flat("LogicalNot", ["x"]),
];

/** An operation that is constant almost everywhere. */
function flat(kernelName: string, inputsToSave: string[]): GradConfig {
  return {
    kernelName,
    inputsToSave,
    gradFunc: (_, saved) => Object.fromEntries(inputsToSave.map((name, i) => [name, () => tf.zeros(one(saved[i]).shape)])),
  };
}
