/** Everything registered, without any code that trains. For the coordinator, the agent and the command line. */
export { type ComponentKind, type Listed, listComponents } from "./listing.js";
export * from "./registry.generated.js";
export { resolveSpec } from "./resolve-spec.js";
export {
  armShares,
  configurationsToTry,
  controlContext,
  insideParameters,
  plainProcedure,
  resultArm,
  strategyContext,
} from "./strategy-context.js";
