/** Suites that every registered algorithm passes, for those who write more, and the in-memory search that they use. */
export { testDiagnostic } from "./diagnostic.js";
export { bestLast, type Drive, type Driven, type DrivenTrial, type Outcome } from "./driven-search.js";
export { testStrategy } from "./strategy.js";
export { driveStrategy } from "./strategy-driver.js";
