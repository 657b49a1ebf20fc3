/**
 * Sessions of a simulated agent: a session of a trial, as a procedure's is. The default one trains nothing, a trial's loss is a function of
 * trial and step; a life may bring the procedures of an agent instead.
 */
import type { Measurement, SearchSpec, Work } from "@regulus/proto";

/** A trial being worked on. Sessions of procedures are of this shape. */
export interface SimulatedSession {
  readonly stepsDone: number;
  /** Asked where the work has no step to reach. */
  readonly ended: boolean;
  /** Steps between two measurements. */
  readonly measureEverySteps: number;
  step(): Promise<void>;
  measure(): Promise<Omit<Measurement, "seconds" | "vectors"> & Partial<Pick<Measurement, "vectors">>>;
  save(): Promise<Uint8Array>;
  /** Takes new work where it stands; false changes nothing. Only a session that has this stays open while its trial is paused. */
  resume?(work: Work): Promise<boolean>;
  /** Whether its trial may pause with nothing saved. */
  readonly mayPauseUnsaved?: boolean;
  close(): void;
}

/** What a session is opened with. */
export interface SimulatedRequest {
  readonly spec: SearchSpec;
  readonly trial: number;
  readonly work: Work;
  readonly seed: number;
  readonly checkpoint?: Uint8Array;
  found(severity: "info" | "warning" | "error", message: string): void;
}

export type OpenSession = (request: SimulatedRequest) => Promise<SimulatedSession>;

/** A trial whose loss depends on its number and its step alone. */
export async function openFunction({ trial, work, checkpoint }: SimulatedRequest): Promise<SimulatedSession> {
  let step = checkpoint === undefined ? 0 : Number(Buffer.from(checkpoint).toString().split(" ")[1]);
  return {
    get stepsDone() {
      return step;
    },
    ended: false,
    measureEverySteps: 5,
    step: async () => {
      step += 1;
    },
    measure: async () => {
      const metrics = { loss: 1 / (1 + step) + (trial % 7) / 10 };
      return { step, metrics, learned: {}, scales: {}, hypergradients: {}, vectors: work.vectors };
    },
    save: async () => Buffer.from(`${trial} ${step}`),
    close: () => undefined,
  };
}
