/**
 * Answers a stochastic bilevel method's questions about a range of a workload's units. A step answers one question; the checkpoint holds every vector
 * that the shard was sent, its tasks' own variables and its newest answer, so that whoever goes on from it answers with the same bits.
 *
 * Source: arXiv 2401.09587, algorithm 2. What is answered is solvers/bo-rep.
 */

import { counted, fromVectors, limits, RegulusError, seedOf, toVectors, type Work } from "@regulus/proto";
import { z } from "zod";
import { parseOptions } from "../../settings/parse-options.js";
import type { StochasticProblem } from "../../solvers/stochastic-problem.js";
import { type Observed, type ProcedureModule, type Session, TrialFailure } from "../../training/contracts/procedure.js";
import { findWorkload } from "../../training/setup/find-component.js";
import { openRequestOf } from "../../training/setup/open-request.js";
import { decodeCheckpoint, encodeCheckpoint } from "../../training/state/checkpoint.js";
import { doubles, doublesOf } from "../respond/warm-starts.js";
import { OracleShard, type ShardMemory } from "./oracle-shard.js";
import { type StochasticOracleOptions, spec } from "./spec.js";

/** Measurements of a plain trial where the search does not say. */
const measurementsWanted = 20;

export const module: ProcedureModule = {
  spec,
  async open({ spec: search, work, checkpoint, seed }) {
    const module = await findWorkload(search);
    if (!("stochastic" in module)) {
      const words = `the workload ${module.spec.name} has no stochastic oracles; its procedure is ${module.spec.procedure ?? "fit"}, not ${spec.name}`;
      throw new RegulusError("failed-precondition", words);
    }
    const given = { options: search.workload?.options, parameters: work.parameters, seed: seedOf(search) };
    const problem = module.stochastic(openRequestOf(module.spec, given));
    return new OracleSession(problem, { work, checkpoint, seed });
  },
};

class OracleSession implements Session {
  stepsDone = 0;
  readonly #shard: OracleShard;
  readonly #seed: number;
  readonly #parameters: string;
  #question: StochasticOracleOptions;
  #outcome: readonly number[] | undefined;
  #untilStep: number;

  constructor(problem: StochasticProblem, from: { work: Work; checkpoint: Uint8Array | undefined; seed: number }) {
    this.#question = parseOptions("work.options", spec.options, from.work.options);
    this.#seed = from.seed;
    this.#parameters = JSON.stringify(from.work.parameters ?? {});
    this.#untilStep = from.work.untilStep;
    const saved = from.checkpoint === undefined ? undefined : readMemory(from.checkpoint);
    this.stepsDone = saved?.step ?? 0;
    this.#shard = new OracleShard(problem, this.#question, saved?.memory);
    this.#take(from.work);
  }

  get measureEverySteps(): number {
    const { kind, steps } = this.#question;
    return kind === "plain" ? Math.max(1, Math.ceil((this.#untilStep || steps) / measurementsWanted)) : Number.MAX_SAFE_INTEGER;
  }

  get ended(): boolean {
    const { kind, steps } = this.#question;
    return this.#untilStep === 0 && this.stepsDone >= (kind === "plain" ? steps : 1);
  }

  async step(): Promise<void> {
    this.stepsDone += 1;
    if (this.#question.kind !== "plain") {
      this.#shard.answer(this.#question);
      this.#check();
    } else this.#shard.plainStep(this.stepsDone - 1, this.#question.lowerRate);
  }

  async measure(): Promise<Observed> {
    const { kind, draw } = this.#question;
    const nothing = { step: this.stepsDone, learned: {}, scales: {}, hypergradients: {} };
    if (kind === "plain") return { ...nothing, metrics: this.stepsDone === 0 ? {} : this.#shard.metrics() };
    if (kind !== "close") return { ...nothing, metrics: { round: draw }, vectors: toVectors(this.#shard.memory.answer) };
    const names = this.#shard.problem.metrics;
    if (this.#outcome?.length !== names.length) {
      const words = `saw an outcome of ${counted(this.#outcome?.length ?? 0, "number")}, expected one for each of ${names.join(", ")}`;
      throw new RegulusError("invalid-argument", words);
    }
    return { ...nothing, metrics: Object.fromEntries(names.map((name, index) => [name, this.#outcome?.[index] ?? 0])) };
  }

  async resume(work: Work): Promise<boolean> {
    const question = parseOptions("work.options", spec.options, work.options);
    const { lo, hi = this.#shard.problem.units } = question;
    const { range } = this.#shard;
    if (lo !== range.lo || hi !== range.hi || JSON.stringify(work.parameters ?? {}) !== this.#parameters) return false;
    this.#question = question;
    this.#untilStep = work.untilStep;
    this.#take(work);
    return true;
  }

  async save(): Promise<Uint8Array> {
    const { x, y, z, tasks, answer } = this.#shard.memory;
    const names = Object.keys(answer);
    const state = { tasks: tasks.y.length, answer: names };
    const tensors = [
      ["x", x],
      ["y", y],
      ["z", z],
      ["tasks.y", Float64Array.from(tasks.y.flat())],
      ["tasks.z", Float64Array.from(tasks.z.flat())],
      ...names.map((name) => [`answer.${name}`, Float64Array.from(answer[name] ?? [])] as const),
    ] as const;
    const packed = tensors.map(([name, values]) => doubles(name, Float64Array.from(values)));
    return encodeCheckpoint({ procedure: spec.name, step: this.stepsDone, seed: this.#seed, state, tensors: packed });
  }

  close(): void {}

  #take(work: Work): void {
    const lists = fromVectors(work.vectors);
    this.#shard.take(lists);
    this.#outcome = lists.outcome;
  }

  /** An answer has finite numbers, and not too many to travel. */
  #check(): void {
    const { kind, draw } = this.#question;
    const answer = Object.entries(this.#shard.memory.answer);
    const numbers = answer.reduce((sum, [, values]) => sum + values.length, 0);
    if (numbers > limits.vectorNumbersMax) {
      const words = `an answer of ${counted(numbers, "number")}, and at most ${limits.vectorNumbersMax} travel: make the workload smaller, or the shards more`;
      throw new TrialFailure("infeasible", words);
    }
    const strange = answer.find(([, values]) => !values.every(Number.isFinite));
    if (strange === undefined) return;
    const words = `round ${draw} (${kind}): ${strange[0]} holds ${strange[1].find((value) => !Number.isFinite(value))}; a smaller eta or rates may help`;
    throw new TrialFailure("diverged", words);
  }
}

const savedState = z.strictObject({ tasks: z.int().min(0), answer: z.array(z.string()) });

function readMemory(bytes: Uint8Array): { step: number; memory: ShardMemory } {
  const { step, state, tensors } = decodeCheckpoint(bytes, spec.name);
  const { tasks, answer } = savedState.parse(state);
  const read = (name: string) => doublesOf(tensors, name);
  const parts = (name: string): number[][] => {
    const all = read(name);
    const size = tasks === 0 ? 0 : all.length / tasks;
    return Array.from({ length: tasks }, (_, task) => [...all.subarray(task * size, (task + 1) * size)]);
  };
  return {
    step,
    memory: {
      x: read("x"),
      y: read("y"),
      z: read("z"),
      tasks: { y: parts("tasks.y"), z: parts("tasks.z") },
      answer: Object.fromEntries(answer.map((name) => [name, [...read(`answer.${name}`)]])),
    },
  };
}
