/** Everything registered, without any code that trains. For the coordinator, the agent and the command line. */
export * from "./registry.generated.js";
