/** An attempt at work, however isolated, as the rest of the agent sees it. */
import type { Lease, LeaseKey, OutputPart, Report, SearchSpec } from "@regulus/proto";
import type { StopReason } from "../trial/trainer.js";

/** A lease whose parts are known to be there. */
export interface Assignment {
  readonly key: LeaseKey;
  readonly work: NonNullable<Lease["work"]>;
  readonly spec: SearchSpec;
  readonly seed: number;
  readonly resumeFrom: Lease["resumeFrom"];
  /** Numbers of the agent's slots that it has, in rising order. */
  readonly slots: readonly number[];
}

/** What an attempt tells; after a finished event it tells nothing more. */
export interface AttemptListener {
  event(event: NonNullable<Report["event"]>): void;
  /** It goes on from a later step than the lease's checkpoint holds. */
  standsAt(step: number): void;
  /** The attempt is over and has given back its process and its folder. */
  closed(): void;
}

export interface RunningAttempt {
  /** Ends it in good order and reports the reason. */
  stop(reason: StopReason, message: string): void;
  /** Ends it at once; nothing more is told but that it is closed. */
  revoke(): void;
  /** A piece of what its program has printed; undefined where it can't tell now, because it is over or is only beginning. */
  output(offset: number, bytesMax: number): Promise<OutputPart | undefined>;
  /** Looks after it: time and memory. Called several times a second. */
  tick(nowMs: number): void;
  /** Resident bytes at the last look; 0 where it has no process. */
  readonly memoryBytes: number;
}
