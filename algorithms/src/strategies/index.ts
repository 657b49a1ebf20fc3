/** Every registered strategy, for the coordinator. */
export { strategies } from "./registry.generated.js";
