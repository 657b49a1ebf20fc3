/**
 * Says in words why a search or a trial is where it is, from its facts alone: a fold like any other. It asks nobody what is going on
 * now, so it says the same of a running coordinator and of a copied log.
 */
import {
  assert,
  type Budget,
  counted,
  type EndReason,
  type ExplainSearchResponse,
  type Explanation,
  type Fact,
  formatDuration,
  RegulusError,
  type StrategyStepped,
  stepOutcome,
} from "@regulus/proto";
import { SearchState } from "../search/search-state.js";
import { isFailure, ToldOnce } from "./told-once.js";
import { headWords, waitWords } from "./wait-words.js";

/** Pending trials that the explanation of a search speaks of one by one. */
const pendingMax = 5;
/** Newest turns of the search's own course that it tells. */
const courseMax = 5;
/** Newest facts about a trial that its explanation tells. */
const trialFactsMax = 20;
/** Newest steps of its strategy that it tells. */
const stepsMax = 3;

/** What is to be explained. */
export interface Asked {
  readonly searchId: string;
  /** Undefined for the whole search. */
  readonly trial: number | undefined;
  /** The time of the question, which tells what still lies ahead. */
  readonly nowMs: number;
}

/** Explains a search, or one trial of it, from the search's facts. Fails with "not-found" where there are none. */
export async function explain(pieces: AsyncIterable<readonly Fact[]>, asked: Asked): Promise<ExplainSearchResponse> {
  const { searchId, trial, nowMs } = asked;
  const seen = new Seen(trial);
  for await (const facts of pieces) for (const fact of facts) seen.tell(fact);
  const { state } = seen;
  if (state === undefined) throw new RegulusError("not-found", `there is no search ${JSON.stringify(searchId)}`);
  if (trial === undefined) return explainSearch(state, seen, nowMs);
  if (!state.knows(trial)) {
    throw new RegulusError("not-found", `search ${searchId} has no trial ${trial}; it has ${state.nextTrial} so far`);
  }
  return explainTrial(state, seen, { trial, nowMs });
}

/** What the explanation rests on. */
class Seen {
  state: SearchState | undefined;
  /** Facts about the search's own course: pauses, stops, ends. */
  readonly course: Explanation[] = [];
  /** What happened to the trial that is asked for. */
  readonly trial: Explanation[] = [];
  readonly failures = new ToldOnce();
  /** Newest steps that the strategy took or tried by itself. */
  readonly steps: Explanation[] = [];
  /** The newest step that it tried and had refused. */
  refused: Explanation | undefined;
  /** Newest findings of diagnostics and procedures. */
  readonly findings = new ToldOnce();
  /** Position of the newest fact about each pending trial. */
  readonly newest = new Map<number, number>();
  readonly #number: number | undefined;

  constructor(number: number | undefined) {
    this.#number = number;
  }

  tell(fact: Fact): void {
    if (this.state === undefined) this.state = new SearchState(fact);
    else this.state.tell(fact);
    const kind = fact.kind;
    assert(kind, "a fact of the log has a kind");
    const words = describe(kind);
    const explanation = { text: words, position: fact.position };
    if (kind.$case === "strategyStepped") {
      if (stepOutcome(kind.value) === "refused") this.refused = explanation;
      this.steps.push(explanation);
      if (this.steps.length > stepsMax) this.steps.shift();
      return;
    }
    if (kind.$case === "findingReported") this.findings.tell(kind, words, fact.position);
    if (!("trial" in kind.value) || kind.value.trial === undefined) {
      if (words !== "" && kind.$case !== "findingReported") this.course.push(explanation);
      return;
    }
    const number = kind.value.trial;
    if (kind.$case === "trialEnded") this.newest.delete(number);
    else if (kind.$case !== "findingReported") this.newest.set(number, fact.position);
    if (number === this.#number && words !== "") this.trial.push(explanation);
    if (isFailure(kind)) this.failures.tell(kind, words, fact.position);
  }
}

function explainSearch(state: SearchState, seen: Seen, nowMs: number): ExplainSearchResponse {
  const counts = `${state.running.size} running, ${state.pending.size} pending, ${state.done} done, ${state.stopped} stopped, ${state.failed} failed`;
  // Why a step was refused is told even where many were taken since.
  const refused = seen.refused === undefined || seen.steps.includes(seen.refused) ? [] : [seen.refused];
  const explanations = [...seen.course.slice(-courseMax), ...refused, ...seen.steps];
  for (const number of [...state.pending].slice(0, pendingMax)) {
    const trial = state.live.get(number);
    if (trial === undefined) continue;
    explanations.push({ text: `trial ${number} ${waitWords(state, trial, nowMs)}`, position: seen.newest.get(number) ?? 0 });
  }
  explanations.push(...seen.failures.view(), ...seen.findings.view());
  const summaries = {
    running: state.running.size === 0 && state.pending.size > 0 ? `waits: ${headWords(state, nowMs)}` : "continues",
    paused: `is paused: ${state.reason}`,
    stopping: `stops and waits for ${counted(state.running.size, "running trial")}: ${state.reason}`,
    ended: `has ended (${outcomeWords(state)}): ${state.reason}`,
  };
  return { summary: `The search ${summaries[state.status]} (${counts}).`, explanations };
}

function explainTrial(
  state: SearchState,
  seen: Seen,
  { trial: number, nowMs }: { readonly trial: number; readonly nowMs: number },
): ExplainSearchResponse {
  const live = state.live.get(number);
  const ended = live === undefined ? state.trial(number) : undefined;
  const now =
    live === undefined
      ? `has ended (${reasonWords(ended?.reason)})${ended?.message ? `: ${firstLine(ended.message)}` : ""}`
      : live.status === "running"
        ? `runs on agent ${live.agentId} (attempt ${live.attempt}, step ${live.step})`
        : live.status === "paused"
          ? `reached step ${live.step} and waits for the strategy`
          : waitWords(state, live, nowMs);
  return { summary: `Trial ${number} ${now}.`, explanations: seen.trial.slice(-trialFactsMax) };
}

/** What happened, without the lines of output that follow: the explanations have them. */
function firstLine(message: string): string {
  return (message.split("\n", 1)[0] ?? "").replace(/; its last lines:$/, "");
}

type Kind = NonNullable<Fact["kind"]>;

/** A fact in words; nothing for those that explain nothing. */
function describe(kind: Kind): string {
  switch (kind.$case) {
    case "searchCreated":
      return "the search was created";
    case "searchPaused":
      return `it was paused: ${kind.value.reason}`;
    case "searchResumed":
      return "it was resumed";
    case "searchStopRequested":
      return `its end was asked for: ${kind.value.reason}`;
    case "searchEnded":
      return `it ended: ${kind.value.reason}`;
    case "agentAvoided":
      return `it keeps off agent ${kind.value.agentId} until ${new Date(kind.value.untilMs).toISOString()} where another one can run its trials: ${kind.value.message}`;
    case "searchReopened":
      return `it was opened again: ${kind.value.reason}`;
    case "searchTakenUp":
      return `it continues; there was no coordinator since ${new Date(kind.value.awaySinceMs).toISOString()}`;
    case "searchExtended":
      return `it got more budget: ${budgetWords(kind.value.budget)}`;
    case "trialRetried":
      return "its user asked for it to be retried, from its last checkpoint";
    case "strategyFailed":
      return `its strategy failed: ${kind.value.message}`;
    case "strategyStepped":
      return `its strategy ${stepWords(kind.value)}`;
    case "trialProposed":
      return "its strategy proposed it";
    case "trialResumed":
      return `its strategy resumed it, to step ${kind.value.work?.untilStep ?? 0}`;
    case "trialStopRequested":
      return `its early end was asked for: ${kind.value.reason}`;
    case "trialPauseRequested":
      return `its strategy asked it to pause: ${kind.value.reason}`;
    case "trialDeferred":
      return `it could not be placed: ${kind.value.reason}`;
    case "attemptStarted":
      return `attempt ${kind.value.attempt} went to agent ${kind.value.agentId}, from step ${kind.value.fromStep}`;
    case "trialMeasured":
      return "";
    case "trialCheckpointed":
      return `it saved step ${kind.value.step}`;
    case "checkpointDamaged":
      return `its checkpoint at step ${kind.value.step} could not be restored; it continues from step ${kind.value.goesOnFromStep}`;
    case "attemptEnded":
      return `attempt ${kind.value.attempt} ended (${reasonWords(kind.value.reason)})${kind.value.message === "" ? "" : `: ${kind.value.message}`}`;
    case "trialPaused":
      return `it reached step ${kind.value.step} and waited for the strategy`;
    case "trialEnded":
      return `it ended (${reasonWords(kind.value.reason)})${kind.value.message === "" ? "" : `: ${kind.value.message}`}`;
    case "findingReported":
      return `${kind.value.source} found (${kind.value.severity}): ${kind.value.message}`;
    default: {
      const never: never = kind;
      return never;
    }
  }
}

/** "40 trials, 1h of wall time in all". */
function budgetWords(budget: Budget | undefined): string {
  const { trials = 0, steps = 0, wallTimeMs = 0, failures = 0 } = budget ?? {};
  const parts = [
    trials > 0 && counted(trials, "trial"),
    steps > 0 && counted(steps, "step"),
    wallTimeMs > 0 && `${formatDuration(wallTimeMs)} of wall time`,
    failures > 0 && counted(failures, "failure"),
  ];
  return `${parts.filter((part) => part !== false).join(", ")} in all`;
}

function stepWords(stepped: StrategyStepped): string {
  const { step, message } = stepped;
  const outcome = stepOutcome(stepped);
  if (outcome === "news") return `said at step ${step}: ${message}`;
  return `${outcome === "taken" ? "took" : "refused"} its step ${step}${message === "" ? "" : `: ${message}`}`;
}

function reasonWords(reason: EndReason | undefined): string {
  return (reason ?? "").replace("END_REASON_", "").replaceAll("_", " ").toLowerCase();
}

function outcomeWords(state: SearchState): string {
  return state.outcome.replace("SEARCH_OUTCOME_", "").toLowerCase();
}
