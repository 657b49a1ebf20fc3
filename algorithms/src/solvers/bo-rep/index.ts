/** BO-REP: the machine, oracles of shards and of tasks, the rule of staleness, and a run without a cluster. */
export * from "./machine.js";
export * from "./messages.js";
export * from "./oracle.js";
export * from "./run.js";
export * from "./settings.js";
export * from "./staleness.js";
export * from "./task-oracle.js";
export * from "./vector-steps.js";
