export type * from "./coordinator.js";
export type * from "./ports.js";
