/** The vocabulary of Regulus: messages, limits and errors. For users and for every other package. */

export * from "./errors.js";
export * from "./gen/regulus/v1/agent.js";
export * from "./gen/regulus/v1/agent_service.js";
export * from "./gen/regulus/v1/artifact_service.js";
export * from "./gen/regulus/v1/fact.js";
export * from "./gen/regulus/v1/problem.js";
export * from "./gen/regulus/v1/search.js";
export * from "./gen/regulus/v1/search_service.js";
export * from "./gen/regulus/v1/trial.js";
export * from "./limits.js";
