/** Pure ideas that every other room may use. */
export * from "./component.js";
export * from "./fold.js";
export * from "./rng.js";
export * from "./space.js";
export * from "./strategy.js";
