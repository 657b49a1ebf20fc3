/**
 * What a model's author needs beside the Network: tfjs itself, losses that are safe under second derivatives, random numbers. Registered
 * workloads import these; a user's module that lies outside this repository gets them with its OpenRequest and needs no package of its own.
 */
import type { Tensor } from "@tensorflow/tfjs-core";
import type { Rng } from "../../core/index.js";

/** Given to every workload that is opened. */
export interface ModelKit {
  /** tfjs, on the backend that the agent chose. */
  readonly tf: typeof import("@tensorflow/tfjs");
  /** Softmax cross entropy of logits [batch, classes] against probabilities [batch, classes]; [batch], in nats. */
  softmaxCrossEntropy(logits: Tensor, targets: Tensor): Tensor;
  /** 1 where the most likely class is not the target's most likely one, else 0; [batch]. */
  classificationError(logits: Tensor, targets: Tensor): Tensor;
  /** Half the squared distance of outputs [batch, n] and targets [batch, n]; [batch]. */
  halfSquaredError(outputs: Tensor, targets: Tensor): Tensor;
  /** Random numbers of a seed, a whole number from 0 to 2^53 - 1. */
  createRng(seed: number): Rng;
}
