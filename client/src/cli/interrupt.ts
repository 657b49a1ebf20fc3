/** Ctrl-C and SIGTERM as an AbortSignal, for commands that end in good order. A second one ends the process at once. */
import { exitCodes } from "./exit-codes.js";

export interface Interrupt {
  readonly signal: AbortSignal;
  /** Gives the signals back to whoever comes next. */
  release(): void;
}

/** Listens from now on. */
export function onInterrupt(): Interrupt {
  const controller = new AbortController();
  const names = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const listener = () => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    controller.abort();
  };
  for (const name of names) process.on(name, listener);
  return {
    signal: controller.signal,
    release: () => {
      for (const name of names) process.off(name, listener);
    },
  };
}
