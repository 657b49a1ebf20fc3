/** The strategy and the diagnostics of a search that is about to be opened again. */
import type { StrategyHost } from "../../strategy-host/strategy-host.js";
import type { SearchDiagnostics } from "./search-diagnostics.js";

/** Folds of a search that has ended, which know its log and the facts that are about to open it. */
export interface OpenFolds {
  readonly host: StrategyHost;
  readonly diagnostics: SearchDiagnostics;
  /** The newest fact of the log that they know. */
  readonly position: number;
}

/** Ends folds that are not needed after all. */
export function closeFolds(folds: OpenFolds | undefined): void {
  folds?.host.close();
}
