/** An attempt's limits of time and memory, and whether it exceeds one. Pure. */
import { defaults, EndReason, formatDuration, type SearchSpec } from "@regulus/proto";

/** How long a process may take to be prepared, in milliseconds, before its silence counts; a step may be allowed less. */
const prepareMsMax = 120_000;

/** How much longer a step timeout the words about a silence propose. */
const stepTimeoutRaise = 10;

export interface AttemptLimits {
  /** Longest silence between two steps, in milliseconds. */
  readonly stepTimeoutMs: number;
  /** Longest attempt, in milliseconds; 0 for no limit. */
  readonly attemptTimeoutMs: number;
  /** Most resident memory, in bytes. */
  readonly memoryBytes: number;
}

/** What was seen of an attempt. */
export interface AttemptVitals {
  /** Milliseconds since it was last heard of, and since its process began. */
  readonly silentMs: number;
  readonly aliveMs: number;
  /** Whether its process had finished loading. */
  readonly prepared: boolean;
  /** Resident bytes; undefined where they can't be read. */
  readonly memoryBytes: number | undefined;
  /** The newest step. */
  readonly step: number;
}

export function limitsOf(spec: SearchSpec, memoryBytes: number): AttemptLimits {
  return {
    stepTimeoutMs: spec.resources?.stepTimeoutMs || defaults.stepTimeoutMs,
    attemptTimeoutMs: spec.resources?.attemptTimeoutMs ?? 0,
    memoryBytes,
  };
}

/** The limit that was passed, as the attempt's end; undefined for none. */
export function passedLimit(seen: AttemptVitals, limits: AttemptLimits): { reason: EndReason; message: string } | undefined {
  const silentMax = seen.prepared ? limits.stepTimeoutMs : Math.max(prepareMsMax, limits.stepTimeoutMs);
  if (seen.silentMs > silentMax) {
    const message = `no sign of life for ${roughDuration(seen.silentMs)} after step ${seen.step}`;
    const advice = `set resources: {stepTimeout: ${formatDuration(stepTimeoutRaise * silentMax)}}`;
    const allowed = seen.prepared
      ? `resources.stepTimeout allows ${formatDuration(silentMax)}; ${advice} for longer steps`
      : `its process may take ${formatDuration(silentMax)} to load; ${advice} for more`;
    return { reason: EndReason.END_REASON_TIMED_OUT, message: `${message}; ${allowed}` };
  }
  if (limits.attemptTimeoutMs > 0 && seen.aliveMs > limits.attemptTimeoutMs) {
    const took = `the attempt took longer than ${formatDuration(limits.attemptTimeoutMs)} (resources.attemptTimeout)`;
    return { reason: EndReason.END_REASON_TIMED_OUT, message: `${took} and was at step ${seen.step}` };
  }
  if (seen.memoryBytes !== undefined && seen.memoryBytes > limits.memoryBytes) {
    const held = `it held ${mib(seen.memoryBytes)} MiB of memory at step ${seen.step}`;
    const allowed = `${mib(limits.memoryBytes)} MiB are allowed (resources.memory, --memory-per-trial)`;
    return { reason: EndReason.END_REASON_OUT_OF_MEMORY, message: `${held}; ${allowed}` };
  }
  return undefined;
}

/** A measured time in as many units as people read: whole seconds, and tenths of short ones. */
function roughDuration(ms: number): string {
  const unitMs = ms < 10_000 ? 100 : 1000;
  return formatDuration(Math.round(ms / unitMs) * unitMs);
}

function mib(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
