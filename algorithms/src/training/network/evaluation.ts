/**
 * Metrics over whole splits, in batches of bounded size. Sums run on the host in double precision and in row order, so that they depend on
 * the weights alone. The train split is sampled by its first rows: it is reported, and nothing is chosen by it.
 */
import * as tf from "@tensorflow/tfjs";
import type { Network } from "../contracts/network.js";
import type { Split, Task } from "../contracts/workload.js";
import { tensorOf } from "./tensor-network.js";

/** Rows of one batch: their activations are the most memory that a measurement takes. */
export const evaluationBatchRows = 1000;
/** Rows of the train split that are measured. */
export const trainRowsMax = 1000;
/** Splits that a measurement reports. `tune` is left out: it was fitted to, and nothing is chosen by it. */
const reported: readonly Split[] = ["train", "valid", "test"];

/** Rows that one measurement computes forward. */
export function rowsMeasured(sizes: Task["sizes"]): number {
  return reported.reduce((sum, split) => sum + rowsOf(split, sizes), 0);
}

/** Means of the loss and of the workload's metrics over every reported split, by split + Name. Splits without rows are left out. */
export async function measureSplits(task: Task, network: () => Network): Promise<Record<string, number>> {
  const means: Record<string, number> = {};
  for (const split of reported) {
    const rows = rowsOf(split, task.sizes);
    const sums = new Map<string, number>();
    const rowsAtOnce = Math.min(task.measureRows ?? evaluationBatchRows, evaluationBatchRows);
    for (let from = 0; from < rows; from += rowsAtOnce) {
      const count = Math.min(rowsAtOnce, rows - from);
      const columns = tf.tidy(() =>
        measureBatch(
          task,
          network(),
          split,
          Int32Array.from({ length: count }, (_, i) => from + i),
        ),
      );
      for (const [name, column] of Object.entries(columns)) {
        const values = await column.data<"float32">();
        column.dispose();
        sums.set(
          name,
          values.reduce((sum, value) => sum + value, sums.get(name) ?? 0),
        );
      }
    }
    for (const [name, sum] of sums) means[split + name.charAt(0).toUpperCase() + name.slice(1)] = sum / rows;
  }
  return means;
}

function measureBatch(task: Task, network: Network, split: Split, rows: Int32Array): Record<string, tf.Tensor> {
  const { inputs, targets } = task.batch(split, rows);
  const outputs = tensorOf(task.forward(network, inputs));
  return { ...task.metrics(outputs, targets), loss: task.loss(outputs, targets) };
}

function rowsOf(split: Split, sizes: Task["sizes"]): number {
  return split === "train" ? Math.min(sizes.train, trainRowsMax) : sizes[split];
}
