/** Every registered strategy, for the coordinator. */
export { withControlArm } from "./control-arm.js";
export { strategies } from "./registry.generated.js";
