/** The vocabulary of Regulus: messages, limits, errors and the search file. */

// For users: messages, errors, the search file.

export * from "./errors.js";
export * from "./gen/regulus/v1/agent.js";
export * from "./gen/regulus/v1/artifact_service.js";
export * from "./gen/regulus/v1/fact.js";
export * from "./gen/regulus/v1/problem.js";
export * from "./gen/regulus/v1/search.js";
export * from "./gen/regulus/v1/search_service.js";
export * from "./gen/regulus/v1/trial.js";
export * from "./limits.js";
export { type ParameterDocument, type SearchDocument, searchJsonSchema } from "./search-document.js";
export { parseSearchDocument, readSearchDocument, type SearchReading } from "./search-file.js";
export { specToDocument } from "./spec-document.js";

// For other packages: checks and codecs that they share.

export { byteSizePattern, formatBytes, parseBytes } from "./byte-sizes.js";
export { readSchedule } from "./check-schedule.js";
export { outsideDomain } from "./check-space.js";
export { backendNames, checkSpec } from "./check-spec.js";
export { filledWords, parameterText, parameterVariable } from "./command-words.js";
export { counted, nounOf } from "./counted.js";
export { closestName, expectedOneOf } from "./did-you-mean.js";
export { durationPattern, formatDuration, parseDurationMs } from "./durations.js";
export { grpcCodes } from "./error-codes.js";
export { failureSignature } from "./failure-signature.js";
export { RunningTime } from "./folds/running-time.js";
export { newCourse, type SearchCourse, tellCourse } from "./folds/search-course.js";
export { sumOfSteps } from "./folds/sum-of-steps.js";
export * from "./gen/regulus/v1/agent_service.js";
export * from "./ids.js";
export {
  type KeptOutput,
  leftOutLine,
  type OutputPart,
  outputHeadBytesMax,
  outputPart,
  outputPieceBytes,
  outputPieceBytesMax,
  outputTailBytesMax,
  readKeptOutput,
} from "./kept-output.js";
export {
  type CountedValue,
  countedMeasurement,
  endedWell,
  isBetter,
  Leader,
  metricOf,
  noValue,
  type Ranked,
  type Reading,
  signOf,
  valueAfter,
} from "./objective.js";
export { cutText, ProblemList, show } from "./problem-list.js";
export { problemsTrailer } from "./read-status.js";
export {
  eventProblems,
  isStep,
  nameFault,
  problemWords,
  type ReportEvent,
  stepExpected,
  textFault,
} from "./report-bounds.js";
export { isTrialFailure, retriedByDefault } from "./retry-reasons.js";
export { seedOf } from "./seed.js";
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
  unitFromValue,
  valueFromUnit,
  valueOnAxis,
} from "./space/domain.js";
export { type Unconstrained, unconstrainedMax, unconstrainedOf } from "./space/unconstrained.js";
export { filePath, pathText } from "./spec-paths.js";
export { type StepOutcome, stepOutcome } from "./step-outcome.js";
export { type Stepped, steppedOf } from "./stepped.js";
export { sameValue, valueKey } from "./value-key.js";
export { fromVectors, numbersIn, toVectors } from "./vectors.js";
