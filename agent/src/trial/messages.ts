/** Messages between an agent and a trial process over the IPC channel of `node:child_process`. Plain data only. */
import type { Measurement, OutputPart, SearchSpec, Work } from "@regulus/proto";
import type { OutcomeReason, StopReason } from "./trainer.js";

/** How a process is made ready before it has work; its one argument, as JSON. */
export interface Preparation {
  /** The compute backend to prepare, or "command" for a process that trains nothing itself. */
  readonly backend: string;
  /** A trial like the one that is likely to come next: opened and closed ahead, so that code and data are loaded. */
  readonly likely?: LikelyTrial;
}

/** A result of another trial, fetched. */
export interface InputFile {
  /** The search of that trial; empty for the same search. */
  readonly searchId: string;
  readonly trial: number;
  readonly kind: string;
  readonly path: string;
}

export interface LikelyTrial {
  readonly spec: SearchSpec;
  readonly work: Work;
  readonly seed: number;
}

/** An attempt to work on. */
export interface Begin {
  readonly spec: SearchSpec;
  readonly work: Work;
  readonly seed: number;
  readonly searchId: string;
  readonly trial: number;
  readonly attempt: number;
  /** An empty folder of the attempt's own. */
  readonly directory: string;
  /** A checkpoint file to go on from; empty to begin. */
  readonly checkpoint: string;
  /** Files of other trials' results, in the order of the work's inputs. */
  readonly inputs: readonly InputFile[];
  /** Whether it goes on from the session that the process holds. */
  readonly goesOn: boolean;
  /** Whether a program of this search is known to run past the step that it is to reach. */
  readonly overruns: boolean;
  /** Variables for user code: its slots and devices, and what the agent's owner passes on. */
  readonly environment: Readonly<Record<string, string>>;
  /** Least time between two signs of life that are sent, in milliseconds. */
  readonly aliveEveryMs: number;
}

export type ToTrial =
  | { readonly kind: "begin"; readonly begin: Begin }
  | { readonly kind: "stop"; readonly reason: StopReason }
  /** A piece of what the program has printed is wanted; `request` comes back with it. */
  | { readonly kind: "output"; readonly request: number; readonly offset: number; readonly bytesMax: number }
  /** The newest checkpoint is stored, or given up: the next may be taken. */
  | { readonly kind: "stored" };

export type FromTrial =
  /** The process is prepared: which backend, why, and what else was looked at. */
  | { readonly kind: "ready"; readonly backend: string; readonly reason: string; readonly tried: readonly BackendLooked[] }
  /** The process could not be prepared. */
  | { readonly kind: "unready"; readonly reason: string }
  | { readonly kind: "alive"; readonly step: number }
  /** A checkpoint is being packed and gets on: a sign of life, also of a process whose program has ended. */
  | { readonly kind: "packing" }
  /** What was asked for; no sign of life, since the program had no part in it. */
  | { readonly kind: "output"; readonly request: number; readonly part: OutputPart }
  /** The program went on past the step that it was to reach. */
  | { readonly kind: "overran" }
  /** A user's program runs in this process group; whoever ends the trial process ends it too. */
  | { readonly kind: "program"; readonly group: number }
  | { readonly kind: "measured"; readonly measurement: Measurement }
  /** A checkpoint is in a file of its own, and this is its sum. */
  | { readonly kind: "saved"; readonly step: number; readonly path: string; readonly sha256: string }
  /** The checkpoint file to go on from is damaged; the end follows. */
  | { readonly kind: "unrestorable"; readonly message: string }
  | { readonly kind: "found"; readonly source: string; readonly severity: "info" | "warning" | "error"; readonly message: string }
  | {
      readonly kind: "finished";
      readonly reason: OutcomeReason;
      readonly message: string;
      readonly step: number;
      readonly final: Measurement | undefined;
      /** Files that the attempt leaves, to be stored as artifacts. */
      readonly leaves: readonly { readonly path: string; readonly kind: string }[];
      /**
       * The process holds the session open for the trial's next attempt: at what it saved last, or ahead of that, so that nothing but the very next
       * lease may go on from it. Absent where it does not.
       */
      readonly stays?: "saved" | "ahead";
    };

/** A backend that was looked at. */
export interface BackendLooked {
  readonly name: string;
  readonly available: boolean;
  readonly reason: string;
}
