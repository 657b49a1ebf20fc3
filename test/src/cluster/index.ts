/** Real clusters of processes, and what must hold of their facts; for tests and benches. */
export * from "./invariants.js";
export * from "./maid-search.js";
export * from "./processes.js";
export * from "./small-disk.js";
