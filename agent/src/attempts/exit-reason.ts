/**
 * The meaning of a trial process that ends without a result. The coordinator retries lost and out of memory, and never what
 * the user must mend, so the line is drawn by whose code ran: a crash in the user's module is the user's, one in ours is a loss.
 */
import { EndReason } from "@regulus/proto";

export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The end of its standard error. */
  readonly stderr: string;
  /** Whether the process ran code of the user's own. */
  readonly userCode: boolean;
  /** Whether the kernel ended a process of this cgroup for memory while it ran. */
  readonly kernelOutOfMemory: boolean;
}

/** Lines of standard error in a message. */
const lastLines = 10;

/** Signals that come from outside (an operator, the kernel, a machine that shuts down); others are a program's own fault. */
const outsideSignals: ReadonlySet<string> = new Set(["SIGHUP", "SIGKILL", "SIGTERM"]);
/** What a shell, or a program that cleans up, answers where one of these ended it: 128 and the signal's number. */
const outsideCodes: ReadonlySet<number> = new Set([129, 137, 143]);

/** Whether a process ended because something outside of it ended it. */
export function isEndedFromOutside({ code, signal }: Pick<ProcessExit, "code" | "signal">): boolean {
  return signal === null ? code !== null && outsideCodes.has(code) : outsideSignals.has(signal);
}

export function exitReason(exit: ProcessExit): { reason: EndReason; message: string } {
  const how = exit.signal !== null ? `signal ${exit.signal}` : `exit code ${exit.code}`;
  const lines = exit.stderr.split("\n").slice(-lastLines).join("\n");
  const message = `the trial process ended with ${how}${lines === "" ? " and wrote nothing to standard error" : `; its last lines:\n${lines}`}`;
  if (/heap out of memory|allocation failed/i.test(exit.stderr)) return { reason: EndReason.END_REASON_OUT_OF_MEMORY, message };
  if (exit.signal === "SIGKILL" && exit.kernelOutOfMemory) {
    return { reason: EndReason.END_REASON_OUT_OF_MEMORY, message: `the kernel ended the trial process for memory; ${message}` };
  }
  const reason = exit.userCode && !isEndedFromOutside(exit) ? EndReason.END_REASON_USER_ERROR : EndReason.END_REASON_LOST;
  return { reason, message };
}
