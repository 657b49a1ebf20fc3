/**
 * Keeps a child running: starts it again when it dies, with growing waits, and gives up with its last words where it dies again and again.
 */
import { RegulusError } from "@regulus/proto";
import { spreadMs } from "@regulus/transport";
import { pause } from "../calls/retries.js";
import { type Child, endWords } from "./child.js";

/** Restarts in a row of a child that lived shorter than `steadyMs` each time. */
const restartsMax = 5;
/** A child that lived this long was well; its next death counts as the first. */
const steadyMs = 30_000;
/** Waits between restarts. */
const restartBackoff = { firstMs: 500, maxMs: 10_000 } as const;

export interface SuperviseOptions {
  readonly name: string;
  /** Starts the child; `restart` counts from 0 for the first start. */
  readonly start: (restart: number) => Promise<Child>;
  /** Gets a line for people about each death and each restart. */
  readonly onEvent: (text: string) => void;
}

/** A child that is kept running. */
export interface Supervised {
  /** What the child said when it was first ready. */
  readonly ready: Child["ready"];
  /** Fails when it was given up; never resolves. */
  readonly gaveUp: Promise<never>;
  /** Ends the child and the watch over it. */
  stop(graceMs: number): Promise<void>;
}

/** Starts a child and keeps it. Fails where the first start fails. */
export async function supervise({ name, start, onEvent }: SuperviseOptions): Promise<Supervised> {
  const first = await start(0);
  const stopping = new AbortController();
  /** The child, or the one that is on its way. */
  let current: Promise<Child | undefined> = Promise.resolve(first);

  const keep = async (): Promise<never> => {
    let child: Child | undefined = first;
    let startedAt = performance.now();
    let restarts = 0;
    let quick = 0;
    for (;;) {
      const end = child === undefined ? undefined : await child.ended;
      if (stopping.signal.aborted) return new Promise(() => undefined);
      quick = performance.now() - startedAt > steadyMs ? 1 : quick + 1;
      const lastWords = (child?.lastLines() ?? []).slice(-8).map((line) => `  ${line}`);
      const what = end === undefined ? `${name} did not start again` : `${name} ended (${endWords(end)})`;
      if (quick > restartsMax)
        throw new RegulusError("failed-precondition", [`${what}, ${quick} times in a row`, ...lastWords].join("\n"));
      onEvent([`${what}; starting it again`, ...lastWords].join("\n"));
      await pause(spreadMs(quick, restartBackoff), stopping.signal);
      restarts += 1;
      startedAt = performance.now();
      current = start(restarts).catch((thrown: unknown) => {
        onEvent(RegulusError.from(thrown).message);
        return undefined;
      });
      child = await current;
      if (child !== undefined && !stopping.signal.aborted) onEvent(`${name} runs again`);
    }
  };

  const gaveUp = keep().catch((thrown: unknown): Promise<never> => {
    if (stopping.signal.aborted) return new Promise(() => undefined);
    throw thrown;
  });
  gaveUp.catch(() => undefined); // Whoever waits for it hears of it; nobody has to.
  return {
    ready: first.ready,
    gaveUp,
    async stop(graceMs) {
      stopping.abort();
      const child = await current;
      await child?.stop(graceMs);
    },
  };
}
