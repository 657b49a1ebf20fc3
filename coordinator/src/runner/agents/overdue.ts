/**
 * Which attempts their agents should have ended by now, by the coordinator's own clock. Agents enforce the time of an attempt and stops by
 * themselves; this is for those that hang or lie. Pure. The time of a step is the agent's alone: only there are steps seen (decision 0027).
 */
import { defaults, EndReason, formatDuration, type SearchSpec } from "@regulus/proto";
import type { HeldLease } from "./agents.js";

/** An agent that sent no bytes for so long sends nothing: the longest wait for a piece of an artifact. */
const uploadQuietMs = 30_000;

/** What the coordinator's clock says. */
export interface OverdueAt {
  readonly nowMs: number;
  /** Beyond the grace of its program, time that an attempt may take to end. */
  readonly endGraceMs: number;
  /** When its agent last sent bytes of an artifact; absent for never. */
  readonly uploadedMs?: number | undefined;
}

/** Why a lease is taken back. */
export interface Loss {
  readonly reason: EndReason;
  readonly message: string;
}

/** Why an attempt is overdue; undefined where it is not. */
export function overdue(
  held: Pick<HeldLease, "agentId" | "startedMs" | "stopAskedMs">,
  spec: SearchSpec,
  { nowMs, endGraceMs, uploadedMs }: OverdueAt,
): Loss | undefined {
  const programMs = spec.command === undefined ? 0 : spec.command.stopGraceMs || defaults.stopGraceMs;
  const isUploading = uploadedMs !== undefined && nowMs - uploadedMs <= uploadQuietMs;
  const graceMs = programMs + (isUploading ? Math.max(endGraceMs, defaults.uploadGraceMs) : endGraceMs);
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
