/**
 * Which attempts their agents should have ended by now, by the coordinator's own clock. Agents enforce the time of an attempt and stops by
 * themselves; this is for those that hang or lie. Pure. The time of a step is the agent's alone: only there are steps seen (decision 0027).
 */
import { defaults, EndReason, formatDuration, type SearchSpec } from "@regulus/proto";
import type { HeldLease } from "./agents.js";

/** Why a lease is taken back. */
export interface Loss {
  readonly reason: EndReason;
  readonly message: string;
}

/** Why an attempt is overdue; undefined where it is not. */
export function overdue(
  held: Pick<HeldLease, "agentId" | "startedMs" | "stopAskedMs">,
  spec: SearchSpec,
  { nowMs, endGraceMs }: { readonly nowMs: number; readonly endGraceMs: number },
): Loss | undefined {
  const programMs = spec.command === undefined ? 0 : spec.command.stopGraceMs || defaults.stopGraceMs;
  const graceMs = programMs + endGraceMs;
  if (held.stopAskedMs !== undefined && nowMs - held.stopAskedMs > graceMs) {
    const message = `agent ${held.agentId} was asked to stop it and did not within ${graceMs} ms`;
    return { reason: EndReason.END_REASON_LOST, message };
  }
  const attemptTimeoutMs = spec.resources?.attemptTimeoutMs ?? 0;
  if (attemptTimeoutMs > 0 && nowMs - held.startedMs > attemptTimeoutMs + graceMs) {
    const took = `the attempt took longer than ${formatDuration(attemptTimeoutMs)} (resources.attemptTimeout)`;
    return { reason: EndReason.END_REASON_TIMED_OUT, message: `${took}, and agent ${held.agentId} did not end it` };
  }
  return undefined;
}
