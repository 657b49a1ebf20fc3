/** Which parts of a training step can't act where hyperparameters are tuned inside training, and why. Pure: the coordinator refuses such searches. */
import type { TrainingPartSpec } from "../core/index.js";
import { learningRateSpecs, lossHeadSpecs, optimizerSpecs } from "./registry.generated.js";

/** Training settings that name a part, and the parts. */
const parts: ReadonlyMap<string, ReadonlyMap<string, TrainingPartSpec>> = new Map([
  ["optimizer", optimizerSpecs],
  ["learningRateSchedule", learningRateSpecs],
  ["lossHead", lossHeadSpecs],
]);

/** Training settings that name a part of the step. */
export const partNames: readonly string[] = [...parts.keys()];

/** Why the part that a training setting names can't act where hyperparameters are tuned inside; undefined where it can, or where there is no such part. */
export function outsideOnlyReason(setting: string, name: unknown): string | undefined {
  return typeof name === "string" ? parts.get(setting)?.get(name)?.outsideOnly : undefined;
}
