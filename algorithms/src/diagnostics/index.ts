/** Every registered diagnostic, for the coordinator. */
export { diagnostics } from "./registry.generated.js";
