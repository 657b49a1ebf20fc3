/**
 * The training half of a trial process: tfjs, backends and procedures, imported when asked for, since they cost a second and 100 MB that a
 * process for programs does not need.
 */
import type { BackendPreference } from "@regulus/algorithms/kernels";
import { RegulusError } from "@regulus/proto";
import type { TrainingSource } from "./serve-trial.js";

export const trainingSource: TrainingSource = {
  async load(backend) {
    const kernels = await import("@regulus/algorithms/kernels");
    const choice = await kernels.chooseBackend(readPreference(backend, kernels.BACKEND_PREFERENCES));
    const { loadProcedure } = await import("@regulus/algorithms/training");
    return { procedures: loadProcedure, backend: choice.name, reason: choice.reason, tried: choice.tried };
  },
};

function readPreference(backend: string, known: readonly BackendPreference[]): BackendPreference {
  const found = known.find((name) => name === backend);
  if (found !== undefined) return found;
  throw new RegulusError("invalid-argument", `backend ${backend} is not known: expected one of ${known.join(", ")}`);
}
