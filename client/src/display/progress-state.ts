/** The display's state of a search, and values derived from it. */
import type { CountedValue, Leader, Measurement, SearchCourse } from "@regulus/proto";

/** How far it was at a time. */
export interface Sample {
  readonly timeMs: number;
  readonly fraction: number;
  readonly steps: number;
}

/** A trial that is not over. */
export interface LiveTrial {
  readonly trial: number;
  procedure: string;
  untilStep: number;
  step: number;
  /** Agent of the running attempt; empty while none runs. */
  agentId: string;
  /** Line of the display, kept while the attempt runs so that lines don't jump; -1 while none runs. */
  row: number;
  attempt: number;
  last: Measurement | undefined;
  /** Newest step measured in the current attempt; -1 for none. */
  measuredStep: number;
  /** Its value that counts. */
  counted: CountedValue;
  /** When its attempt began or it measured last. */
  heardMs: number;
  /** It paused, and goes on from there, whether it was saved there or waits in its process. */
  goesOn: boolean;
}

/** State of the fold. */
export interface Progress {
  searchId: string;
  /** The search as a whole; undefined before its creation is known. */
  course: SearchCourse | undefined;
  /** Configurations that its strategy can try; undefined where there is no end of them. */
  configurations: number | undefined;
  position: number;
  newestMs: number;
  startedMs: number;
  /** Whether an attempt has begun, or its user took it up again: until then it waits. */
  begun: boolean;
  /** Why nothing runs although the search does, in words; empty where something runs. */
  waits: string;
  steps: number;
  trialsProposed: number;
  trialsDone: number;
  trialsStopped: number;
  trialsFailed: number;
  /** The best trial by the value that counts; undefined before the search is known. */
  leader: Leader | undefined;
  live: Map<number, LiveTrial>;
  /** Steps of trials that failed: they may be tried again. */
  failedSteps: Map<number, number>;
  /** Trials that stopped while their search ended as failed: some may be retried. */
  cutOff: Set<number>;
  /** Which lines of the display are taken. */
  rows: boolean[];
  samples: Sample[];
  /** Seconds that attempts have worked, and steps that they did in them. */
  slotSeconds: number;
  slotSteps: number;
}

/** What a search is doing, in the display's words. */
export type Status = "waiting" | "running" | "paused" | "stopping" | "completed" | "stopped" | "failed";

const outcomes: Readonly<Record<string, Status>> = {
  SEARCH_OUTCOME_COMPLETED: "completed",
  SEARCH_OUTCOME_STOPPED: "stopped",
  SEARCH_OUTCOME_FAILED: "failed",
};

export function statusOf({ course, begun }: Progress): Status {
  const status = course?.status ?? "running";
  if (status === "ended") return outcomes[course?.outcome ?? ""] ?? "completed";
  return status === "running" && !begun ? "waiting" : status;
}

/** Why it waits, is paused or ended; empty for nothing to tell. */
export function reasonOf({ course, waits }: Progress): string {
  return course === undefined || course.status === "running" ? waits : course.reason;
}
