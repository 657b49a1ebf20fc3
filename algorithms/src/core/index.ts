/** Pure ideas that every other room may use. */

export {
  type Axis,
  between,
  cellCount,
  cellValue,
  coordinateOf,
  type ParameterValue,
  type Range,
  rangeOf,
  type Scalar,
  type Unconstrained,
  unconstrainedMax,
  unconstrainedOf,
  unitFromValue,
  valueFromUnit,
  valueOnAxis,
} from "@regulus/proto";
export * from "./component.js";
export * from "./configurations.js";
export * from "./create-space.js";
export * from "./diagnostic.js";
export * from "./distinct-sampler.js";
export * from "./fold.js";
export * from "./keyed-rng.js";
export * from "./rng.js";
export { createSampler, type Sampler, type SamplerName, samplerNames } from "./sampler.js";
export * from "./schedule.js";
export * from "./sobol-sequence.js";
export { sobolDimensionsMax } from "./sobol-table.js";
export * from "./space.js";
export * from "./spaced-values.js";
export * from "./strategy.js";
