/** Written by scripts/generate.mjs from the folders: every registered procedure, technique and workload, by name. Do not edit. */
import type { ProcedureModule } from "./procedure.js";
import type { TechniqueModule } from "./technique.js";
import type { WorkloadModule } from "./workload.js";

export const procedures: ReadonlyMap<string, ProcedureModule> = new Map<string, ProcedureModule>([]);
export const techniques: ReadonlyMap<string, TechniqueModule<unknown>> = new Map<string, TechniqueModule<unknown>>([]);
export const workloads: ReadonlyMap<string, WorkloadModule<unknown>> = new Map<string, WorkloadModule<unknown>>([]);
