import { describeLog } from "./conformance.js";
import { MemoryLogFile, openMemoryLog } from "./memory-log.js";

describeLog("memory", async () => {
  const file = new MemoryLogFile();
  return { open: async () => openMemoryLog(file), clear: async () => {} };
});
