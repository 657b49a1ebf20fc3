/**
 * An attempt in virtual time: opens a session from its checkpoint, makes steps, measures and saves as an agent's trainer does, and may die at any
 * step. Sessions that can take more work stay open while their trial is paused, as processes of an agent do.
 */
import { createHash } from "node:crypto";
import type { Rng } from "@regulus/algorithms/core";
import {
  type ArtifactRef,
  EndReason,
  type Lease,
  type LeaseKey,
  type Measurement,
  type Report,
  type SearchSpec,
} from "@regulus/proto";
import type { ArtifactStore } from "../ports.js";
import type { OpenSession, SimulatedSession } from "./simulated-session.js";
import type { VirtualTime } from "./virtual-time.js";

/** Time of a step at an ordinary pace; the pace of an attempt is drawn around it. */
const stepMs = 100;
/** Probability that one step of a trial kills its process. */
const crashProbability = 0.002;
/** Steps between two checkpoints by the clock. */
const saveEverySteps = 10;
/** Probability that a trial which may pause unsaved finds a checkpoint due. */
const dueProbability = 0.1;
/** Probability that a measurement comes in two parts, as from a program that prints two lines a step. */
const twoPartsProbability = 0.2;
/** Probability that an agent has no room for a session that waits. */
const crowdedProbability = 0.02;

/** What attempts of one agent live in. */
export interface AttemptWorld {
  readonly time: VirtualTime;
  readonly rng: Rng;
  readonly artifacts: ArtifactStore;
  readonly open: OpenSession;
  /** Sessions of trials that are paused, by trial. */
  readonly residents: Map<string, Resident>;
  /** Probability that the checkpoint of a lease turns out to be damaged. */
  readonly damageProbability: number;
  readonly report: (report: Report) => void;
  readonly over: (attempt: SimulatedAttempt) => void;
}

/** A session that waits, the checkpoint that was stored last of it, and the attempt that left it ahead of that; undefined where it stands there. */
export interface Resident {
  readonly session: SimulatedSession;
  readonly sha256: string | undefined;
  readonly aheadOf: number | undefined;
}

export class SimulatedAttempt {
  readonly key: LeaseKey;
  readonly #lease: Lease;
  readonly #spec: SearchSpec;
  readonly #world: AttemptWorld;
  /** Some attempts are slow, so that others overtake them. */
  readonly #paceMs: number;
  #session: SimulatedSession | undefined;
  /** Content of the newest checkpoint, and the step at which this attempt took it; -1 while it has not. */
  #savedSha256: string | undefined;
  #savedStep = -1;
  #newest: Measurement | undefined;
  #over = false;

  constructor(lease: Lease, spec: SearchSpec, world: AttemptWorld) {
    this.key = keyOf(lease);
    this.#lease = lease;
    this.#spec = spec;
    this.#world = world;
    this.#savedSha256 = lease.resumeFrom?.sha256;
    this.#paceMs = stepMs * (world.rng.uniform() < 0.1 ? 5 : 1);
    this.#next();
  }

  /** It ends and reports nothing more. */
  drop(): void {
    this.#over = true;
  }

  /** It is asked to end with a reason. One that pauses or goes on elsewhere saves first. */
  async stop(reason: EndReason, message: string): Promise<void> {
    if (this.#over) return;
    await this.#guarded(async () => {
      const session = this.#session ?? (await this.#open());
      if (this.#over) return;
      if (reason === EndReason.END_REASON_PREEMPTED) await this.#save(session);
      if (!this.#over) this.#finish(reason, message);
    });
  }

  #next(): void {
    const { time, rng } = this.#world;
    time.after(this.#paceMs * (0.5 + rng.uniform()), () => time.hold(this.#guarded(() => this.#step())));
  }

  async #step(): Promise<void> {
    if (this.#over) return;
    const session = this.#session ?? (await this.#open());
    if (this.#over) return;
    if (!this.#isReached(session)) await session.step();
    if (this.#over) return;
    if (this.#world.rng.uniform() < crashProbability) {
      this.#session = undefined;
      this.#finish(EndReason.END_REASON_OUT_OF_MEMORY, "the simulated process was killed");
      return;
    }
    if (!this.#isReached(session)) {
      if (session.stepsDone % session.measureEverySteps === 0) await this.#measure(session);
      if (session.stepsDone % saveEverySteps === 0) await this.#save(session);
      if (!this.#over) this.#next();
      return;
    }
    // As the trainer: saved first, where the trial goes on some time and what it did could not be done again.
    const mayStay = session.mayPauseUnsaved === true && session.resume !== undefined;
    const isDue = this.#world.rng.uniform() < dueProbability;
    if (this.#lease.work?.final !== true && (isDue || !mayStay)) await this.#save(session);
    await this.#measure(session);
    if (!this.#over) this.#finish(EndReason.END_REASON_DONE, "");
  }

  #isReached({ stepsDone, ended }: SimulatedSession): boolean {
    const until = this.#lease.work?.untilStep ?? 0;
    return ended || (until > 0 && stepsDone >= until);
  }

  async #open(): Promise<SimulatedSession> {
    const { residents, artifacts, open } = this.#world;
    const { work, resumeFrom, seed } = this.#lease;
    if (work === undefined) throw new Error("a lease has work");
    const name = nameOfTrial(this.key);
    const resident = residents.get(name);
    residents.delete(name);
    if (resident !== undefined && this.#goesOn(resident) && (await resident.session.resume?.(work)) === true) {
      this.#session = resident.session;
      return resident.session;
    }
    resident?.session.close();
    if (resumeFrom !== undefined && this.#world.rng.uniform() < this.#world.damageProbability) {
      const value = { checkpoint: resumeFrom, message: "the simulated disk lost it" };
      this.#world.report({ lease: this.key, event: { $case: "unrestorable", value } });
      this.#finish(EndReason.END_REASON_LOST, "its checkpoint can't be restored");
      throw new Error("its attempt is over");
    }
    const found = () => undefined;
    const request = { spec: this.#spec, trial: this.key.trial, work, seed, found };
    const checkpoint = resumeFrom && (await bytesOf(artifacts.get(resumeFrom.sha256)));
    this.#session = await open(checkpoint === undefined ? request : { ...request, checkpoint });
    return this.#session;
  }

  #goesOn({ sha256, aheadOf }: Resident): boolean {
    const isNext = aheadOf === undefined ? sha256 !== undefined : this.key.attempt === aheadOf + 1;
    return isNext && sha256 === this.#lease.resumeFrom?.sha256;
  }

  async #measure(session: SimulatedSession): Promise<void> {
    const value = { vectors: {}, ...(await session.measure()), seconds: session.stepsDone / 10 };
    if (this.#over) return;
    this.#newest = value;
    if (this.#world.rng.uniform() < twoPartsProbability) {
      const metrics = Object.fromEntries(Object.entries(value.metrics).slice(0, 1));
      this.#world.report({ lease: this.key, event: { $case: "measured", value: { ...value, metrics } } });
    }
    this.#world.report({ lease: this.key, event: { $case: "measured", value } });
  }

  async #save(session: SimulatedSession): Promise<void> {
    const bytes = await session.save();
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const checkpoint: ArtifactRef = { sha256, size: bytes.length, kind: "checkpoint" };
    const pieces = (async function* () {
      yield bytes;
    })();
    await this.#world.artifacts.put(checkpoint, pieces);
    if (this.#over) return;
    this.#savedSha256 = sha256;
    this.#savedStep = session.stepsDone;
    const value = { step: session.stepsDone, checkpoint };
    this.#world.report({ lease: this.key, event: { $case: "checkpointed", value } });
  }

  #finish(reason: EndReason, message: string): void {
    this.#over = true;
    this.#world.over(this);
    const session = this.#session;
    const step = session?.stepsDone ?? this.#lease.resumeStep;
    const pauses = this.#lease.work?.final !== true && reason === EndReason.END_REASON_DONE;
    const stays = (pauses || reason === EndReason.END_REASON_PREEMPTED) && session?.resume !== undefined;
    if (stays && this.#world.rng.uniform() >= crowdedProbability) {
      const aheadOf = this.#savedStep === step ? undefined : this.key.attempt;
      this.#world.residents.set(nameOfTrial(this.key), { session, sha256: this.#savedSha256, aheadOf });
    } else session?.close();
    const value = { reason, message, step, final: this.#newest, artifacts: [], startedMs: 0 };
    this.#world.report({ lease: this.key, event: { $case: "finished", value } });
  }

  /** What a session throws ends its trial: for the reason that it gives, else as a user's error. */
  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!this.#over) this.#finish(reasonOf(error), error instanceof Error ? error.message : String(error));
    }
  }
}

/** Failures of trials carry a reason; the class is of the half that trains. */
function reasonOf(error: unknown): EndReason {
  const reason = typeof error === "object" && error !== null && "reason" in error ? error.reason : undefined;
  if (reason === "infeasible") return EndReason.END_REASON_INFEASIBLE;
  return reason === "diverged" ? EndReason.END_REASON_DIVERGED : EndReason.END_REASON_USER_ERROR;
}

export function keyOf(lease: Lease): LeaseKey {
  return lease.key ?? { searchId: "", trial: 0, attempt: 0 };
}

function nameOfTrial({ searchId, trial }: LeaseKey): string {
  return `${searchId}/${trial}`;
}

async function bytesOf(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}
