/**
 * A trial's stored predictions: predictions for whole splits as files (docs/predictions.md), with techniques switched off, as `measure` sees them.
 */
import type { Predictions as Wanted } from "@regulus/proto";
import type * as tf from "@tensorflow/tfjs";
import {
  encodePredictions,
  type Precision,
  type PredictionSplit,
  precisions,
  predictionSplits,
  predictionsKindOf,
} from "../../predictions/index.js";
import type { ProbeContext, ProbedBatch } from "../contracts/probe.js";
import { type SessionResult, TrialFailure } from "../contracts/procedure.js";
import type { Task } from "../contracts/workload.js";

/** The splits and the precision that a search wants. Those that it does not know were refused when the search was created. */
interface Asked {
  readonly splits: readonly PredictionSplit[];
  readonly precision: Precision;
}

/** Fails where the workload's rows have no classes: what its model gives is no prediction of one. */
export function checkPredicts(wanted: Wanted | undefined, task: Task, targetsOf: (split: PredictionSplit) => tf.Tensor): void {
  if (wanted === undefined) return;
  const split = askedOf(wanted).splits.find((one) => task.sizes[one] > 0);
  const shape = split === undefined ? [1, 2] : targetsOf(split).shape;
  if (shape.length >= 2 && (shape.at(-1) ?? 0) >= 2) return;
  const words = `saw targets [${shape.join(", ")}], expected [rows, ..., classes]: this workload can't leave predictions; take reporting.predictions out`;
  throw new TrialFailure("user-error", words);
}

/** The files of the model as it is now. */
export async function predictionsOf(wanted: Wanted | undefined, context: ProbeContext): Promise<readonly SessionResult[]> {
  if (wanted === undefined) return [];
  const { splits, precision } = askedOf(wanted);
  const results: SessionResult[] = [];
  for (const split of splits) {
    if (context.sizes[split] === 0) continue;
    const batches: ProbedBatch[] = [];
    for await (const batch of context.batches(split)) batches.push(batch);
    const [, ...rest] = batches[0]?.outputs.shape ?? [];
    const rows = Int32Array.from({ length: context.sizes[split] }, (_, row) => row);
    const logits = joined(batches.map(({ outputs }) => outputs.values));
    const targets = classesOf(joined(batches.map((batch) => batch.targets.values)), rest.at(-1) ?? 1);
    const file = { split, shape: [rows.length, ...rest], rows, logits, targets };
    results.push({ kind: predictionsKindOf(split), bytes: encodePredictions(file, precision) });
  }
  return results;
}

function askedOf({ splits, precision }: Wanted): Asked {
  return {
    splits: predictionSplits.filter((split) => splits.includes(split)),
    precision: precisions.find((one) => one === precision) ?? "float32",
  };
}

/** The class that each row's probabilities name. Fails where they name several. */
function classesOf(targets: Float32Array, classes: number): Int32Array {
  return Int32Array.from({ length: targets.length / classes }, (_, place) => {
    const row = targets.subarray(place * classes, (place + 1) * classes);
    const found = row.indexOf(1);
    if (found >= 0) return found;
    throw new TrialFailure(
      "user-error",
      `saw the target [${row.join(", ")}] of row ${place}, expected one class: a 1 among zeros`,
    );
  });
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
