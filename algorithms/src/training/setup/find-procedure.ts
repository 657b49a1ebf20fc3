/** From a procedure's name to its code, which is loaded when it is first asked for. */
import type { ProcedureModule } from "../contracts/procedure.js";
import { procedures } from "../procedures.generated.js";
import { registered } from "./find-component.js";

/** Names of the registered procedures. */
export const procedureNames: readonly string[] = [...procedures.keys()];

export function loadProcedure(name: string): Promise<ProcedureModule> {
  return registered("procedure", name, procedures)();
}
