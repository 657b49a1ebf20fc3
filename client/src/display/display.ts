/**
 * Live progress of searches on a stream: bars that are painted over in place on a terminal, a plain line now and then elsewhere. It
 * folds facts and paints what the folds say. The cursor is given back however the process ends.
 */
import { endedWell, type Fact, type TrialEnded } from "@regulus/proto";
import { areColoursWanted } from "./colours.js";
import { fractionDone } from "./done-share.js";
import { FailureNotes } from "./failures.js";
import { headline } from "./headlines.js";
import { HeldNotes } from "./held-notes.js";
import { barLines, details, paint, searchLines } from "./lines.js";
import { formatSeconds, plainText } from "./numbers.js";
import { progress } from "./progress.js";
import type { Progress } from "./progress-state.js";
import { type DisplayStream, ScreenLines } from "./screen-lines.js";

export interface DisplayOptions {
  /** Default `process.stderr`, so that standard output stays for results. */
  readonly stream?: DisplayStream;
  /** Paints a second on a terminal. Default 5, which a slow remote terminal still follows. */
  readonly paintsPerSecond?: number;
  /** Milliseconds between two plain lines of a search elsewhere. Default 10,000. */
  readonly plainEveryMs?: number;
}

/** Live progress. `tell` takes facts of any number of searches, in order within each; `live` is false while they are of a past that is still read. */
export interface Display {
  tell(facts: readonly Fact[], live?: boolean): void;
  /** Writes a line above the bars. */
  note(text: string): void;
  /** Paints a last time and gives the cursor back. */
  close(): void;
}

/** Starts a display of searches, shown in the order given. */
export function openDisplay(searchIds: readonly string[], options: DisplayOptions = {}): Display {
  const stream = options.stream ?? process.stderr;
  const states = new Map<string, Progress>(searchIds.map((id) => [id, { ...progress.init(), searchId: id }]));
  const painter = stream.isTTY === true ? openPainter(stream, options) : openPlain(stream, options);
  let heardAt = performance.now();
  const news = new Map<string, SearchNews>(searchIds.map((id) => [id, new SearchNews((text) => painter.note(text))]));
  const timer = setInterval(() => {
    for (const one of news.values()) one.tellEnd();
    painter.paint([...states.values()], performance.now() - heardAt);
  }, painter.everyMs);
  timer.unref();

  return {
    tell(facts, live = true) {
      for (const fact of facts) {
        const state = states.get(fact.searchId);
        if (state === undefined || fact.position <= state.position) continue;
        progress.tell(state, fact);
        heardAt = performance.now();
        const name = states.size > 1 ? `${plainText(state.course?.spec.name ?? state.searchId, 28)}: ` : "";
        news.get(fact.searchId)?.tell(fact, name);
      }
      if (live) for (const one of news.values()) one.tellHeld();
    },
    note: (text) => painter.note(plainText(text)),
    close() {
      clearInterval(timer);
      for (const one of news.values()) one.close();
      painter.close([...states.values()]);
    },
  };
}

/** The lines that facts of one search are worth, with what was void again by the time it is told marked as earlier. */
class SearchNews {
  readonly #failures = new FailureNotes();
  readonly #held: HeldNotes;
  /** What an end said waits until the next paint: one that the search was opened again after is no news. */
  #end: string | undefined;

  readonly #write: (text: string) => void;

  constructor(write: (text: string) => void) {
    this.#write = write;
    this.#held = new HeldNotes(write);
  }

  tell(fact: Fact, name: string): void {
    const kind = fact.kind;
    if (kind?.$case === "searchReopened") {
      this.#held.reopened();
      if (this.#end !== undefined) this.#held.add(`earlier: ${this.#end}`);
      this.#end = undefined;
    }
    if (kind?.$case === "trialRetried") this.#retried(kind.value.trial, name);
    const line = isFailed(fact) ? this.#failures.told(fact.kind.value) : headline(fact);
    if (line === undefined) return;
    if (kind?.$case === "searchEnded") this.#end = `${name}${line}`;
    else this.#held.add(`${name}${line}`, isFailed(fact) ? fact.kind.value.trial : undefined);
  }

  #retried(trial: number, name: string): void {
    const others = this.#failures.retried(trial);
    const wasHeld = this.#held.retried(trial);
    const next = others === undefined ? undefined : Number(/^trial (\d+)/.exec(others)?.[1]);
    if (wasHeld && others !== undefined) this.#held.add(`${name}${others}`, next);
  }

  tellHeld(): void {
    this.#held.tell();
  }

  tellEnd(): void {
    if (this.#end !== undefined) this.#write(this.#end);
    this.#end = undefined;
  }

  close(): void {
    this.#held.tell();
    this.tellEnd();
    for (const line of this.#failures.rest()) this.#write(line);
  }
}

/** Whether a trial failed: such ends are told once for each way. */
function isFailed(fact: Fact): fact is Fact & { readonly kind: { readonly $case: "trialEnded"; readonly value: TrialEnded } } {
  return fact.kind?.$case === "trialEnded" && !endedWell(fact.kind.value.reason);
}

interface Painter {
  readonly everyMs: number;
  paint(states: readonly Progress[], sinceFactMs: number): void;
  note(text: string): void;
  close(states: readonly Progress[]): void;
}

/** A terminal: lines that are painted over, and notes that wait for the next paint. */
function openPainter(stream: DisplayStream, options: DisplayOptions): Painter {
  const paintsPerSecond = options.paintsPerSecond ?? 5;
  const screen = new ScreenLines(stream);
  let notes: string[] = [];
  let lines: readonly string[] = [];
  let stopped = false;
  const restore = () => {
    if (!stopped && notes.length > 0) screen.paint(lines, notes);
    notes = [];
    screen.close();
    stopped = true;
  };
  const leave = restoreOnExit(restore);

  return {
    everyMs: 1000 / paintsPerSecond,
    paint(states, sinceFactMs) {
      if (stopped) return;
      const layout = { columns: (stream.columns ?? 80) - 1, rows: screen.rows(), sinceFactMs };
      lines = searchLines(states, layout).map((line) =>
        paint(line, { columns: layout.columns, colours: areColoursWanted(stream) }),
      );
      screen.paint(lines, notes);
      notes = [];
    },
    note(text) {
      // The terminal's own wrapping is off while lines are painted.
      if (stopped) stream.write(`${text}\n`);
      else notes.push(...text.split("\n").flatMap((line) => wrap(line, (stream.columns ?? 80) - 1)));
    },
    close(states) {
      restore();
      leave();
      const columns = (stream.columns ?? 80) - 1;
      for (const line of barLines(states, { columns, sinceFactMs: 0 })) {
        stream.write(`${paint(line, { columns, colours: areColoursWanted(stream) })}\n`);
      }
    },
  };
}

/** A line in pieces as wide as the terminal. */
function wrap(text: string, columns: number): string[] {
  const characters = [...text];
  const lines: string[] = [];
  for (let at = 0; at < characters.length; at += columns) lines.push(characters.slice(at, at + columns).join(""));
  return lines.length === 0 ? [""] : lines;
}

/** A file or a pipe: a line a search now and then, where something has changed. */
function openPlain(stream: DisplayStream, options: DisplayOptions): Painter {
  const opened = performance.now();
  const shown = new Map<string, number>();
  const write = (state: Progress) => {
    if (shown.get(state.searchId) === state.position) return;
    shown.set(state.searchId, state.position);
    const fraction = fractionDone(state);
    const share = fraction === undefined ? "" : `${Math.floor(fraction * 100)} %  `;
    const words = details(state, 0).map((piece) => piece.text);
    const at = formatSeconds(Math.round((performance.now() - opened) / 1000));
    stream.write(`[${at}] ${plainText(state.course?.spec.name ?? state.searchId, 60)}  ${share}${words.join("")}\n`);
  };
  return {
    everyMs: options.plainEveryMs ?? 10_000,
    paint: (states) => states.forEach(write),
    note: (text) => void stream.write(`${text}\n`),
    close: (states) => states.forEach(write),
  };
}

/** Calls back at the end of the process, also at a signal that nobody else answers. Gives the way to leave again. */
function restoreOnExit(restore: () => void): () => void {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const onSignal = (signal: NodeJS.Signals) => {
    restore();
    leave();
    // With a listener of ours the default end was off; bring it back unless the program answers the signal itself.
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
  };
  const leave = () => {
    process.off("exit", restore);
    for (const signal of signals) process.off(signal, onSignal);
  };
  process.on("exit", restore);
  // Before all others, who may write to the terminal.
  for (const signal of signals) process.prependListener(signal, onSignal);
  return leave;
}
