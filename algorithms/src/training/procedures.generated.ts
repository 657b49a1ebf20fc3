/** Written by scripts/generate.mjs from the folders: how to load every registered procedure, by name. Do not edit. */
import type { ProcedureModule } from "./contracts/procedure.js";

export const procedures: ReadonlyMap<string, () => Promise<ProcedureModule>> = new Map<string, () => Promise<ProcedureModule>>([
  ["combine", async () => (await import("../procedures/combine/combine.js")).module],
  ["evaluate", async () => (await import("../procedures/evaluate/evaluate.js")).module],
  ["fit", async () => (await import("../procedures/fit/fit.js")).module],
  ["respond", async () => (await import("../procedures/respond/respond.js")).module],
  ["self-tune", async () => (await import("../procedures/self-tune/self-tune.js")).module],
  ["stochastic-oracle", async () => (await import("../procedures/stochastic-oracle/stochastic-oracle.js")).module],
]);
