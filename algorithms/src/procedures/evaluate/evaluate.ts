/**
 * Works on workloads that are functions in closed form: a step only counts, a measurement asks the function. It loads no tfjs, holds nothing
 * but the number of steps, and so tests strategies, scheduling and recovery without training anything.
 */

import { RegulusError, seedOf } from "@regulus/proto";
import { parseOptions } from "../../settings/parse-options.js";
import type { Observed, ProcedureModule, Session, TrialRequest } from "../../training/contracts/procedure.js";
import type { ClosedForm } from "../../training/contracts/workload.js";
import { findWorkload } from "../../training/setup/find-component.js";
import { openRequestOf } from "../../training/setup/open-request.js";
import { decodeCheckpoint, encodeCheckpoint } from "../../training/state/checkpoint.js";
import { spec } from "./spec.js";

/** Measurements of a trial where the search does not say. */
const measurementsWanted = 40;

export const module: ProcedureModule = {
  spec,
  async open(request) {
    const { spec: search, work } = request;
    parseOptions("work.options", spec.options, work.options);
    const module = await findWorkload(search);
    if (!("evaluate" in module)) {
      const words = `the workload ${module.spec.name} has to be trained: its procedure is fit, not ${spec.name}`;
      throw new RegulusError("failed-precondition", words);
    }
    const given = { options: search.workload?.options, parameters: work.parameters, seed: seedOf(search) };
    return new EvaluateSession(request, module.evaluate(openRequestOf(module.spec, given)));
  },
};

class EvaluateSession implements Session {
  readonly measureEverySteps: number;
  readonly #form: ClosedForm;
  readonly #seed: number;
  readonly #untilStep: number;
  #stepsDone = 0;

  constructor({ work, seed, checkpoint }: TrialRequest, form: ClosedForm) {
    this.#form = form;
    this.#seed = seed;
    this.#untilStep = work.untilStep;
    this.measureEverySteps = Math.max(1, Math.ceil((work.untilStep || form.steps) / measurementsWanted));
    if (checkpoint !== undefined) this.#stepsDone = decodeCheckpoint(checkpoint, spec.name).step;
  }

  get stepsDone(): number {
    return this.#stepsDone;
  }

  get ended(): boolean {
    return this.#untilStep === 0 && this.#stepsDone >= this.#form.steps;
  }

  async step(): Promise<void> {
    if (this.#form.stepMs > 0) await new Promise((resolve) => setTimeout(resolve, this.#form.stepMs));
    this.#stepsDone++;
  }

  async measure(): Promise<Observed> {
    return {
      step: this.#stepsDone,
      metrics: { ...this.#form.metrics(this.#stepsDone) },
      learned: {},
      scales: {},
      hypergradients: {},
    };
  }

  async save(): Promise<Uint8Array> {
    return encodeCheckpoint({ procedure: spec.name, step: this.#stepsDone, seed: this.#seed, state: {}, tensors: [] });
  }

  close(): void {}
}
