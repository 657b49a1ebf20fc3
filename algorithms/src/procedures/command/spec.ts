/** Registration of command: options. It starts programs, so its code is the agent's (agent/src/command). */
import { z } from "zod";
import type { ProcedureSpec } from "../../core/index.js";

const options = z.strictObject({});
export type CommandOptions = z.infer<typeof options>;

export const spec: ProcedureSpec<CommandOptions> = {
  name: "command",
  summary: "Runs the user's own program, in any language, on agents whose owner allowed it.",
  source:
    "docs/command.md; hyperparameters by file and environment, measurements as JSON lines, as in Optuna's and Ray's script runners",
  options,
  learnsInside: false,
};
