/** The entry of a trial process whose only procedure is the counting one; for tests. */
import type { Preparation } from "../trial/messages.js";
import { serveTrial } from "../trial/serve-trial.js";
import { countingProcedure } from "./counting-procedure.js";

const preparation: Preparation = JSON.parse(process.argv[2] ?? '{"backend":"auto"}');
serveTrial(
  { load: async () => ({ procedures: async () => countingProcedure, backend: "cpu", reason: "a test", tried: [] }) },
  preparation,
);
