/** An attempt's process and its inputs, from the lease and the agent's share of the machine. Pure. */
import type { Begin } from "../trial/messages.js";
import type { Assignment } from "./running-attempt.js";
import type { ProcessKind } from "./spares.js";

/** What the agent gives an attempt of its machine. */
export interface AttemptShare {
  readonly backend: string;
  readonly memoryBytes: number;
  /** Variables of the devices that its slots have. */
  readonly devices: Readonly<Record<string, string>>;
  /** Whether the backend takes its devices when the process is made ready. */
  readonly backendUsesDevices: boolean;
  /** Variables that the agent's owner passes on to user code. */
  readonly passed: Readonly<Record<string, string>>;
}

/** Whether a program of the user's own works on it. */
export function isCommand({ work, spec }: Assignment): boolean {
  return work.procedure === "command" || spec.command !== undefined;
}

/** Whether code of the user's own runs in its process or below it. */
export function runsUserCode(assignment: Assignment): boolean {
  return isCommand(assignment) || (assignment.spec.workload?.module ?? "") !== "";
}

/** The process that it needs. */
export function kindOf(assignment: Assignment, { backend, memoryBytes, devices, backendUsesDevices }: AttemptShare): ProcessKind {
  return isCommand(assignment)
    ? { backend: "command", memoryBytes, devices: {} }
    : { backend, memoryBytes, devices: backendUsesDevices ? devices : {} };
}

/** What its process is told, but for what depends on the moment. */
export function beginOf(
  { key, work, spec, seed, slots }: Assignment,
  { passed, devices }: AttemptShare,
): Omit<Begin, "directory" | "checkpoint" | "inputs" | "goesOn" | "overruns" | "aliveEveryMs"> {
  const environment = { ...passed, ...devices, REGULUS_SLOT: slots.join(",") };
  return { spec, work, seed, searchId: key.searchId, trial: key.trial, attempt: key.attempt, environment };
}
