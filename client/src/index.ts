/** The typed client of a Regulus coordinator. For users. */

export type { CallControl } from "./calls/unary.js";
export type { WatchedFacts, WatchOptions } from "./calls/watch.js";
export {
  type ConnectOptions,
  type CreateRequest,
  connect,
  type RegulusClient,
  type TlsOptions,
  type TrialKey,
} from "./connect.js";
export { readSearchFile } from "./search-files.js";
