/**
 * A search's results on each agent, folded from its facts: so that an agent on which its trials fail, and which do not fail elsewhere, is told from
 * a program or a configuration that is wrong everywhere. A user error is blamed on the agent first where the search has not worked there;
 * the same trial's next attempt, on another agent, is the judge. Decision 0027.
 */
import { EndReason, type Fact } from "@regulus/proto";

/** User errors in a row after which an agent on which the search worked before is doubted again. */
const doubtAfter = 3;
/** User errors in a row after which an agent gets no more trials of the search until one of them is judged. */
const suspectAfter = 2;
/** Trials that failed on two agents each after which agents are no longer blamed: the program is wrong. */
const judgedMax = 3;
/** How long an agent is avoided for the first time, and at most: it may have been mended. Doubled each time. */
const avoidedMs = { first: 600_000, max: 24 * 3_600_000 } as const;

interface AgentRecord {
  /** Whether a trial measured, saved or came to its end there since it was last avoided. */
  works: boolean;
  /** User errors in a row that may be its fault. */
  inARow: number;
  /** Until when it is avoided, in milliseconds since 1970, and how often it was so far. */
  untilMs: number;
  times: number;
}

/** What the records need to know of a trial, as it is before the fact. */
export interface RecordedTrial {
  readonly agentId: string;
  /** Agent that was blamed for the trial's user error; empty for none. */
  readonly blamedAgentId: string;
}

export class AgentRecords {
  readonly #records = new Map<string, AgentRecord>();
  /** Trials whose blame came to nothing since an agent was last proven wrong. */
  #judged = 0;

  /** Whether a user error on an agent is to be tried elsewhere before it counts. */
  mayBlame(agentId: string): boolean {
    const record = this.#records.get(agentId);
    const trusted = record?.works && record.inARow < doubtAfter;
    return !trusted && this.#judged < judgedMax;
  }

  /** Whether the search keeps off an agent, as long as there is another one. */
  keepsOff(agentId: string, nowMs: number): boolean {
    const record = this.#records.get(agentId);
    if (record === undefined) return false;
    return record.untilMs > nowMs || (record.inARow >= suspectAfter && this.mayBlame(agentId));
  }

  /** Agents that it keeps off. */
  keptOff(nowMs: number): string[] {
    return [...this.#records.keys()].filter((agentId) => this.keepsOff(agentId, nowMs));
  }

  /**
   * The blamed agent that a trial which now works on another one proves wrong; undefined where it does not, since it failed only once and may
   * have been unlucky.
   */
  provenWrong(trial: RecordedTrial, nowMs: number): { readonly untilMs: number; readonly failures: number } | undefined {
    if (trial.blamedAgentId === "" || trial.blamedAgentId === trial.agentId) return undefined;
    const record = this.#records.get(trial.blamedAgentId);
    if (record === undefined || record.inARow < suspectAfter || record.untilMs > nowMs) return undefined;
    const forMs = Math.min(avoidedMs.max, avoidedMs.first * 2 ** record.times);
    return { untilMs: nowMs + forMs, failures: record.inARow };
  }

  /** Tells of a fact about a trial. */
  tell(trial: RecordedTrial, { kind }: Fact): void {
    switch (kind?.$case) {
      case "trialMeasured":
      case "trialCheckpointed":
      case "trialPaused":
        if (trial.agentId !== "") this.#worked(trial.agentId);
        return;
      case "attemptEnded":
        if (kind.value.reason === EndReason.END_REASON_USER_ERROR) this.#of(trial.agentId).inARow += 1;
        return;
      case "trialEnded":
        this.#tellEnd(trial, kind.value.reason);
        return;
      default:
        return;
    }
  }

  /** An agent is avoided. */
  tellAvoided(agentId: string, untilMs: number): void {
    const record = this.#of(agentId);
    Object.assign(record, { works: false, inARow: 0, untilMs, times: record.times + 1 });
    this.#judged = 0;
  }

  #tellEnd({ agentId, blamedAgentId }: RecordedTrial, reason: EndReason): void {
    if (agentId === "") return;
    const failed = reason === EndReason.END_REASON_USER_ERROR;
    if (reason === EndReason.END_REASON_DONE) this.#worked(agentId);
    if (blamedAgentId === "" || blamedAgentId === agentId) {
      if (failed) this.#of(agentId).inARow += 1;
      return;
    }
    if (reason === EndReason.END_REASON_DONE) return;
    // It fails on both, or will never be judged: neither agent is to blame.
    const blamed = this.#of(blamedAgentId);
    blamed.inARow = Math.max(0, blamed.inARow - 1);
    if (failed) this.#judged += 1;
  }

  #worked(agentId: string): void {
    const record = this.#of(agentId);
    record.works = true;
    record.inARow = 0;
  }

  #of(agentId: string): AgentRecord {
    const known = this.#records.get(agentId);
    if (known !== undefined) return known;
    const record: AgentRecord = { works: false, inARow: 0, untilMs: 0, times: 0 };
    this.#records.set(agentId, record);
    return record;
  }
}
