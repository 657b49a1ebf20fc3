/**
 * The half of the algorithms that trains, for agents only. Importing it loads no tfjs: procedures, techniques and workloads are loaded when
 * they are asked for.
 */
export type { RespondAnswerer } from "../procedures/respond/respond-answerer.js";
export { respondModule } from "../procedures/respond/respond-session.js";
export * from "./contracts/model-kit.js";
export * from "./contracts/network.js";
export * from "./contracts/procedure.js";
export * from "./contracts/technique.js";
export * from "./contracts/workload.js";
export {
  type AnyWorkload,
  findWorkload,
  loadLearningRate,
  loadLossHead,
  loadOptimizer,
  loadProbe,
  loadTechnique,
  loadWorkload,
  loadWorkloadModule,
} from "./setup/find-component.js";
export * from "./setup/find-procedure.js";
export * from "./setup/open-request.js";
export type { UserTask, UserWorkload } from "./setup/user-task.js";
export * from "./state/checkpoint.js";
