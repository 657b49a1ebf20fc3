/**
 * From a name, or from a path, to the code that procedures train with. Registered components are loaded when they are first asked for, so that a process which only
 * evaluates functions in closed form never loads tfjs.
 */
import { pathToFileURL } from "node:url";
import { RegulusError, type SearchSpec } from "@regulus/proto";
import { z } from "zod";
import type { LearningRateModule } from "../contracts/learning-rate.js";
import type { LossHeadModule } from "../contracts/loss-head.js";
import type { OptimizerModule } from "../contracts/optimizer.js";
import type { ProbeModule } from "../contracts/probe.js";
import type { TechniqueModule } from "../contracts/technique.js";
import type { ClosedFormModule, RespondModule, StochasticModule, WorkloadModule } from "../contracts/workload.js";
import { learningRates, lossHeads, optimizers, probes, techniques, workloads } from "../registry.generated.js";
import { userTask } from "./user-task.js";

/** Any kind of workload. */
export type AnyWorkload =
  | WorkloadModule<unknown>
  | ClosedFormModule<unknown>
  | RespondModule<unknown>
  | StochasticModule<unknown>;

export function loadTechnique(name: string): Promise<TechniqueModule<unknown>> {
  return registered("technique", name, techniques)();
}

export function loadOptimizer(name: string): Promise<OptimizerModule<unknown>> {
  return registered("optimizer", name, optimizers)();
}

export function loadLearningRate(name: string): Promise<LearningRateModule<unknown>> {
  return registered("learning-rate schedule", name, learningRates)();
}

export function loadLossHead(name: string): Promise<LossHeadModule<unknown>> {
  return registered("loss head", name, lossHeads)();
}

export function loadProbe(name: string): Promise<ProbeModule<unknown>> {
  return registered("probe", name, probes)();
}

export function loadWorkload(name: string): Promise<AnyWorkload> {
  return registered("workload", name, workloads)();
}

/** The workload that a search names or gives by path. */
export function findWorkload(spec: SearchSpec): Promise<AnyWorkload> {
  const { name = "", module = "" } = spec.workload ?? {};
  return module === "" ? loadWorkload(name) : loadWorkloadModule(module);
}

/** What a user's module may leave out of its spec. */
const moduleSchema = z.object({
  spec: z
    .object({
      name: z.string().default("module"),
      summary: z.string().default("A module of the user's own."),
      source: z.string().default("the user"),
      options: z.custom<z.ZodType<unknown>>(isSchema).default(() => z.record(z.string(), z.unknown())),
      hyperparameters: z.custom<WorkloadModule<unknown>["spec"]["hyperparameters"]>(isFunction).default(() => () => []),
      metrics: z.array(z.string()).default([]),
    })
    .prefault({}),
  open: z.custom<WorkloadModule<unknown>["open"]>(isFunction, "expected a function `open` that gives a task"),
});

/** A user's own workload: the export `workload` of a JavaScript module. Whether it may run here is the agent's to decide. */
export async function loadWorkloadModule(path: string): Promise<WorkloadModule<unknown>> {
  const exported: unknown = await import(pathToFileURL(path).href).catch((cause: unknown) => {
    const words = cause instanceof Error ? cause.message : String(cause);
    throw new RegulusError("not-found", `the module ${path} can't be loaded: ${words}`, { cause });
  });
  const workload = typeof exported === "object" && exported !== null && "workload" in exported ? exported.workload : undefined;
  const parsed = moduleSchema.safeParse(workload);
  if (parsed.success) {
    const { spec, open } = parsed.data;
    return { spec, open: async (request) => userTask(path, await open.call(workload, request)) };
  }
  const lines = parsed.error.issues.map((issue) => `${["workload", ...issue.path].join(".")}: ${issue.message}`);
  throw new RegulusError("failed-precondition", `the module ${path} exports no workload:\n${lines.join("\n")}`);
}

/** What a registry holds under a name. Fails with the names that there are. */
export function registered<Loader>(kind: string, name: string, registry: ReadonlyMap<string, Loader>): Loader {
  const found = registry.get(name);
  if (found !== undefined) return found;
  const known = [...registry.keys()].join(", ");
  throw new RegulusError("not-found", `saw the ${kind} ${name}, which is not registered here, expected one of: ${known}`);
}

function isFunction(value: unknown): boolean {
  return typeof value === "function";
}

function isSchema(value: unknown): boolean {
  return typeof value === "object" && value !== null && "parse" in value && typeof value.parse === "function";
}
