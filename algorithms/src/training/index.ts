/** The half of the algorithms that trains with tfjs; for agents only. */
export * from "./network.js";
export * from "./procedure.js";
export * from "./technique.js";
export * from "./workload.js";
