/** The agent for programs that start one inside their own process: benches, tests and `regulus up`. */
export { type Agent, startAgent } from "./agent.js";
export { doctor, type Finding } from "./doctor.js";
export type { AgentOptions } from "./options.js";
export type { ProcedureFinder } from "./trial/training-attempt.js";
