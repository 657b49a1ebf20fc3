/**
 * The contract of a procedure: how an agent works on a trial, as open / step / measure / save / close. The loop is the agent's.
 */
import type { Measurement, SearchSpec, Work } from "@regulus/proto";
import type { ProcedureSpec } from "../../core/component.js";
import type { ByteSource } from "../../predictions/byte-source.js";

/** What a procedure is given. */
export interface TrialRequest {
  /** The search, with defaults filled in. */
  readonly spec: SearchSpec;
  readonly work: Work;
  /** The same for every attempt of the trial. */
  readonly seed: number;
  /** What an earlier session saved; absent to begin. */
  readonly checkpoint?: Uint8Array;
  /** Results of other trials, as the work names them: only kinds that the procedure's spec takes. Absent for none. */
  readonly inputs?: readonly GivenInput[];
  /** Something worth knowing was found. */
  found(severity: "info" | "warning" | "error", message: string): void;
}

/** A result of another trial. */
export interface GivenInput {
  /** The search of the trial that left it; empty for the same search. */
  readonly searchId: string;
  readonly trial: number;
  readonly kind: string;
  readonly bytes: ByteSource;
}

/** What a session measures; the caller adds the time. */
export type Observed = Omit<Measurement, "seconds" | "vectors"> & Partial<Pick<Measurement, "vectors">>;

/** Something that a trial leaves beside its measurements, kept by the coordinator as an artifact. */
export interface SessionResult {
  /** What it is, in lower-case letters, digits and '-', at most 32 characters: `schedule` (JSON), `image` (PNG), `predictions-valid` ... */
  readonly kind: string;
  readonly bytes: Uint8Array;
}

/** A trial being worked on. Not shared, not re-entrant. */
export interface Session {
  /** Steps done, counting those before a checkpoint. */
  readonly stepsDone: number;
  /** Whether the procedure has ended by itself; asked where the work has no step to reach (untilStep 0). */
  readonly ended: boolean;
  /** Steps between two measurements where the search does not say. */
  readonly measureEverySteps: number;
  /** One training step, or a part of one that is long: stepsDone stays then, and the next call goes on with it. */
  step(): Promise<void>;
  /** Metrics over whole splits at the present weights; changes nothing. Throws TrialFailure where training has diverged. */
  measure(): Promise<Observed>;
  /** Everything needed to go on exactly as if never stopped. */
  save(): Promise<Uint8Array>;
  /** Whether it trains a model, so that what it saves at the trial's end is worth keeping; absent for no. */
  readonly trainsModel?: boolean;
  /** What it leaves. Asked once, where the trial ends as done or is stopped early, not where it pauses. Absent for nothing. */
  results?(): Promise<readonly SessionResult[]>;
  /** What it leaves where the trial pauses: of each kind it replaces what was left at the pause before. Absent for nothing. */
  resultsAtPause?(): Promise<readonly SessionResult[]>;
  close(): void;
  /**
   * Takes new work where the session stands, exactly as if it were opened anew from what it would save there; "no" changes nothing, and the
   * session is then opened anew, from what it saved last. Only a session that has this stays in its process while its trial is paused.
   */
  resume?(work: Work): Promise<boolean>;
  /**
   * Whether the trial may pause with nothing saved of what it did since the last checkpoint, as long as its process keeps the session: whoever
   * gives the work can have it done again. Asked where the work is done; absent for no.
   */
  readonly mayPauseUnsaved?: boolean;
}

/** A trial that went badly in a way that is not the agent's fault. */
export class TrialFailure extends Error {
  readonly reason: "diverged" | "infeasible" | "user-error";

  constructor(reason: "diverged" | "infeasible" | "user-error", message: string) {
    super(message);
    this.name = "TrialFailure";
    this.reason = reason;
  }
}

/** What a procedure's folder gives. */
export interface ProcedureModule {
  readonly spec: ProcedureSpec;
  open(request: TrialRequest): Promise<Session>;
}
