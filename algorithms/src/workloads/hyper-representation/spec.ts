/** Registration of hyper-representation: options, hyperparameters and metrics. */
import { z } from "zod";
import type { WorkloadSpec } from "../../core/index.js";

const options = z.strictObject({
  /** Tasks to learn the network from; as many again, of test images, are held out to measure it by. */
  tasks: z.int().min(1).max(1024).default(16),
  /** Classes of a task, drawn from the ten digits. */
  classes: z.int().min(2).max(10).default(5),
  /** Support images of each class, on which a task's head is fitted, and query images of each class, which judge it. */
  shots: z.int().min(1).max(500).default(5),
  queries: z.int().min(1).max(500).default(10),
  /** Windows of pixels along one side of an image, whose means are the network's inputs. */
  side: z.literal([4, 7, 14, 28]).default(7),
  /** Hidden units of the feature network. */
  features: z.int().min(1).max(256).default(16),
  /** Penalty of the heads. */
  mu: z.number().min(1e-3).max(1e3).default(0.05),
  /** Support, and query, images of one minibatch of a task. */
  batchSize: z.int().min(1).max(20_000).default(50),
});
export type HyperRepresentationOptions = z.output<typeof options>;

export const spec: WorkloadSpec<HyperRepresentationOptions> = {
  name: "hyper-representation",
  summary: "A feature network learned over tasks of rotated MNIST digits, each with a linear head of its own.",
  source: "Franceschi et al., Bilevel programming for hyperparameter optimization and meta-learning, ICML 2018",
  options,
  hyperparameters: () => [],
  metrics: ["validLoss", "validError", "testLoss", "testError"],
  procedure: "stochastic-oracle",
};
