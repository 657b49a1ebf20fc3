/**
 * A trial for suites and tests, opened the way an agent does: from a search, a procedure and parameters, with everything else filled in.
 */
import assert from "node:assert/strict";
import { type Component, RegulusError, SearchSpec, Work } from "@regulus/proto";
import { bytesSource } from "../predictions/index.js";
import type { Session } from "../training/contracts/procedure.js";
import { loadProcedure } from "../training/setup/find-procedure.js";

/** What a suite says of a trial. */
export interface TrialCase {
  readonly procedure: string;
  /** A registered workload, or a module's path where it holds a slash. */
  readonly workload: string;
  readonly workloadOptions?: Readonly<Record<string, unknown>>;
  readonly techniques?: readonly (string | { readonly name: string; readonly options: Readonly<Record<string, unknown>> })[];
  /** Names of probes, with their defaults. */
  readonly probes?: readonly string[];
  /** Predictions that it leaves. */
  readonly predictions?: { readonly splits: readonly string[]; readonly precision: string };
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly options?: Readonly<Record<string, unknown>>;
  /** Defaults to 0: until it ends by itself. */
  readonly untilStep?: number;
  /** Results of other trials that it is given: kind, bytes, and the trial of each where that is not its place in the list. */
  readonly inputs?: readonly { readonly kind: string; readonly bytes: Uint8Array; readonly trial?: number }[];
  /** Seed of the trial; that of the search is always 1. Defaults to 1. */
  readonly seed?: number;
  /** Told of what it finds. */
  readonly found?: (severity: string, message: string) => void;
}

/** Opens a session of the case, from a checkpoint if there is one. */
export async function openCase(trial: TrialCase, checkpoint?: Uint8Array): Promise<Session> {
  const isPath = trial.workload.includes("/");
  const spec = SearchSpec.fromPartial({
    name: "conformance",
    workload: { name: isPath ? "" : trial.workload, module: isPath ? trial.workload : "", options: { ...trial.workloadOptions } },
    techniques: (trial.techniques ?? []).map(
      (one): Component => (typeof one === "string" ? { name: one, options: {} } : { ...one }),
    ),
    probes: (trial.probes ?? []).map((name) => ({ name, options: {} })),
    seed: 1,
    reporting: trial.predictions && { predictions: { ...trial.predictions, splits: [...trial.predictions.splits] } },
  });
  const work = Work.fromPartial({
    procedure: trial.procedure,
    parameters: { ...trial.parameters },
    options: { ...trial.options },
    untilStep: trial.untilStep ?? 0,
    final: true,
  });
  const procedure = await loadProcedure(trial.procedure);
  const inputs = (trial.inputs ?? []).map(({ kind, bytes, trial: number }, index) => {
    return { searchId: "", trial: number ?? index, kind, bytes: bytesSource(bytes) };
  });
  const request = { spec, work, seed: trial.seed ?? 1, inputs, found: trial.found ?? (() => undefined) };
  return procedure.open(checkpoint === undefined ? request : { ...request, checkpoint });
}

/** Whether a part of training refuses a trial's procedure, as its spec says, and gives its reason. */
export async function refused({ outsideOnly }: { readonly outsideOnly?: string }, trial: TrialCase): Promise<boolean> {
  if (outsideOnly === undefined || trial.procedure !== "self-tune") return false;
  await assert.rejects(
    openCase(trial),
    (error) => error instanceof RegulusError && error.code === "failed-precondition" && error.message.includes(outsideOnly),
  );
  return true;
}

/** Steps until so many are done. */
export async function stepTo(session: Session, step: number): Promise<void> {
  while (session.stepsDone < step) await session.step();
}
