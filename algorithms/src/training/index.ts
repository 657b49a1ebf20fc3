/**
 * The half of the algorithms that trains, for agents only. Importing it loads no tfjs: procedures, techniques and workloads are loaded when
 * they are asked for.
 */
export { type RespondAnswerer, respondModule } from "../procedures/respond/respond-session.js";
export * from "./checkpoint.js";
export * from "./find-component.js";
export * from "./model-kit.js";
export * from "./network.js";
export * from "./open-request.js";
export * from "./procedure.js";
export * from "./technique.js";
export * from "./workload.js";
