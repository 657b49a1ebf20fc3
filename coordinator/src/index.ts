/** The coordinator: its shape, its making, its ports and their adapters. */
export { openDirectoryStore } from "./artifacts/directory-store.js";
export { MemoryFolder, openMemoryStore } from "./artifacts/memory-store.js";
export type * from "./coordinator.js";
export { MemoryLogFile, openMemoryLog } from "./log/memory-log.js";
export { openSqliteLog, type SqliteLogOptions } from "./log/sqlite-log.js";
export type * from "./ports.js";
export type { CoordinatorOptions } from "./runner/coordinator-options.js";
export { createCoordinator } from "./runner/create-coordinator.js";
export { systemClock } from "./runner/system-clock.js";
