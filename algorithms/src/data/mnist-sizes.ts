/**
 * Options of every workload on MNIST: how many of the 60,000 training images each split gets. Pure: specs use it.
 */
import { RegulusError } from "@regulus/proto";
import { z } from "zod";

/** Images of the official training set, which train, tune and valid share. */
export const mnistTrainImages = 60_000;
/** Images of the official test set; `test` is always all of them. */
export const mnistTestImages = 10_000;

const size = z.int().min(1).max(mnistTrainImages);

export const mnistSizeOptions = {
  /** Images whose gradients train the weights. */
  trainSize: size.default(5000),
  /** Images whose gradients move hyperparameters inside training. */
  tuneSize: size.default(2500),
  /** Images that trials are compared by. */
  validSize: size.default(2500),
};

export interface MnistSizes {
  readonly trainSize: number;
  readonly tuneSize: number;
  readonly validSize: number;
}

/** Refuses splits that together need more images than there are. */
export function checkMnistSizes({ trainSize, tuneSize, validSize }: MnistSizes): void {
  const sum = trainSize + tuneSize + validSize;
  if (sum <= mnistTrainImages) return;
  const seen = `${trainSize} + ${tuneSize} + ${validSize} = ${sum}`;
  throw RegulusError.invalid([
    { field: "workload.options", seen, expected: `trainSize + tuneSize + validSize at most ${mnistTrainImages}` },
  ]);
}
