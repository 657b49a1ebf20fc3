/** The memory of the strategy bo-rep: the machine with (x, y, z, m), what each shard was asked and has answered, and what is yet to be reported. */
import type { BoRepState, Description, OracleKind, ShardAnswer } from "../../solvers/bo-rep/index.js";

/** What a trial can be asked. */
export type AskedKind = OracleKind | "describe" | "evaluate" | "close";

/** A question of one shard. */
export interface Asked {
  readonly kind: AskedKind;
  readonly draw: number;
  /** Upper steps that were done when it was asked. */
  readonly at: number;
}

export interface GivenAnswer extends Asked {
  readonly answer: ShardAnswer;
  /** Whether a step was made from it. */
  used: boolean;
}

/** A range of units and the trial that answers for it. */
export interface Shard {
  lo: number;
  hi: number;
  /** null for none: one is started. */
  trial: number | null;
  status: "none" | "busy" | "idle" | "ended";
  /** Steps of the trial. */
  step: number;
  /** What the trial works on or answered last; null for nothing. */
  asked: Asked | null;
  hasAnswered: boolean;
  /** The newest answer of the shard, whoever gave it. */
  answer: GivenAnswer | null;
  /** Versions of x, y and z that the trial holds; -1 for none. */
  held: readonly number[];
  /** Upper step at which its tasks refreshed their y last; -1 for never. */
  refreshedAt: number;
}

/** What a step came to, until the coordinator has taken it. */
export interface Stepped {
  readonly step: number;
  readonly accepted: boolean;
  readonly metrics: Readonly<Record<string, number>>;
  readonly vectors?: Readonly<Record<string, readonly number[]>>;
  readonly message: string;
}

/** Plain data. */
export interface BoRepSearch {
  /** Position of the newest fact: one that is told again changes nothing. */
  position: number;
  /** Trials so far. */
  trials: number;
  description: Description | null;
  machine: BoRepState | null;
  /** How often x, y and z have changed. */
  versions: [number, number, number];
  shards: Shard[];
  phase: "describe" | "rounds" | "evaluate" | "close" | "over";
  /** Exact metrics of the end, in the workload's order. */
  outcome: readonly number[];
  /** Trials that ended or gave no answer. */
  failures: number;
  /** Trials that gave no answer and are to be stopped. */
  silent: number[];
  /** Greatest lag of an estimate since the newest report, in upper steps. */
  lag: number;
  reports: Stepped[];
}

export function newShard(lo: number, hi: number): Shard {
  return {
    lo,
    hi,
    trial: null,
    status: "none",
    step: 0,
    asked: null,
    hasAnswered: false,
    answer: null,
    held: [-1, -1, -1],
    refreshedAt: -1,
  };
}

export function emptySearch(): BoRepSearch {
  return {
    position: 0,
    trials: 0,
    description: null,
    machine: null,
    versions: [0, 0, 0],
    shards: [newShard(0, 0)],
    phase: "describe",
    outcome: [],
    failures: 0,
    silent: [],
    lag: 0,
    reports: [],
  };
}
