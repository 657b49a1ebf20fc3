/** A fact in words, for `regulus show`: a line, and below it the further lines of what a program or a strategy said. */
import { Fact, type Measurement, stepOutcome, type Work } from "@regulus/proto";
import { alikeWords } from "../display/alike.js";
import { reasonWords } from "../display/headlines.js";
import { messageLines } from "../display/message-lines.js";
import { formatCount, parameterText, plainText } from "../display/numbers.js";
import { numberFormat } from "./output.js";
import { inputWords } from "./words.js";

/** Metrics and parameters that a line names; further ones are left to `--json`. */
const namesMax = 6;

export interface FactLinesOptions {
  /** A message that stands above already. */
  readonly told?: string;
  /** Whether a finding names its trial. */
  readonly named?: boolean;
  /** How many facts are alike, of which this is the newest. */
  readonly alike?: number;
}

/** The lines of a fact. A message of several lines keeps them. */
export function factLines(fact: Fact, { told = "", named = false, alike = 1 }: FactLinesOptions = {}): string[] {
  const message = messageOf(fact);
  const about = named && fact.kind?.$case === "findingReported" ? fact.kind.value.trial : undefined;
  const lines = message === told ? [] : messageLines(message);
  const isShort = lines.length < 2 && message !== told;
  const who = `${alikeWords(alike)}${about === undefined ? "" : `trial ${about}: `}`;
  const words = `${who}${factWords(withMessage(fact, isShort ? message : ""))}`;
  return lines.length < 2
    ? [plainText(words)]
    : [plainText(`${words.replace(/: $/, "")}: ${lines[0]?.trim() ?? ""}`), ...lines.slice(1)];
}

/** What someone said in a fact; empty for none. */
function messageOf({ kind }: Fact): string {
  return kind !== undefined && "message" in kind.value ? kind.value.message : "";
}

function withMessage(fact: Fact, message: string): Fact {
  const { kind } = fact;
  if (kind === undefined || !("message" in kind.value)) return fact;
  return Fact.fromPartial({ ...fact, kind: { $case: kind.$case, value: { ...kind.value, message } } as Fact["kind"] });
}

/** A fact as one line, however many its message has. */
export function factWords({ kind }: Fact): string {
  switch (kind?.$case) {
    case "searchCreated":
      return `search created: ${kind.value.spec?.name ?? ""}`;
    case "searchPaused":
      return `search paused: ${kind.value.reason}`;
    case "searchResumed":
      return "search continues";
    case "searchStopRequested":
      return `search is to end: ${kind.value.reason}`;
    case "searchEnded":
      return `search ${kind.value.outcome.replace("SEARCH_OUTCOME_", "").toLowerCase()}: ${kind.value.reason}`;
    case "agentAvoided":
      return `keeps off agent ${kind.value.agentId} until ${new Date(kind.value.untilMs).toISOString()}: ${kind.value.message}`;
    case "searchTakenUp":
      return `search continues; there was no coordinator since ${new Date(kind.value.awaySinceMs).toISOString()}`;
    case "searchReopened":
      return `search is opened again: ${kind.value.reason}`;
    case "searchExtended":
      return "search got more budget";
    case "trialRetried":
      return `trial ${kind.value.trial} is retried${untilWords(kind.value.work?.untilStep)}`;
    case "strategyFailed":
      return `strategy failed: ${kind.value.message}`;
    case "strategyStepped": {
      const { step, metrics, message } = kind.value;
      const outcome = stepOutcome(kind.value);
      if (outcome === "news") return `strategy at step ${formatCount(step)}: ${message}`;
      const numbers = listWords(metrics);
      return `strategy's step ${formatCount(step)} ${outcome}${message === "" ? "" : ` (${message})`}${numbers === "" ? "" : `:${numbers}`}`;
    }
    case "trialProposed": {
      const { trial, work } = kind.value;
      const arm = work?.arm ? ` (${work.arm})` : "";
      return `trial ${trial} proposed${arm}: ${work?.procedure ?? ""}${untilWords(work?.untilStep)}${fromWords(work)}${listWords(work?.parameters)}`;
    }
    case "trialResumed":
      return `trial ${kind.value.trial} will continue${untilWords(kind.value.work?.untilStep)}${fromWords(kind.value.work)}`;
    case "trialStopRequested":
      return `trial ${kind.value.trial} is to stop: ${kind.value.reason}`;
    case "trialPauseRequested":
      return `trial ${kind.value.trial} is to pause: ${kind.value.reason}`;
    case "trialDeferred":
      return `trial ${kind.value.trial} waits: ${kind.value.reason}`;
    case "attemptStarted": {
      const { trial, attempt, agentId, fromStep } = kind.value;
      return `trial ${trial}: attempt ${attempt} on ${agentId}${fromStep > 0 ? ` from step ${formatCount(fromStep)}` : ""}`;
    }
    case "trialMeasured":
      return `trial ${kind.value.trial} measured${measurementWords(kind.value.measurement)}`;
    case "trialCheckpointed":
      return `trial ${kind.value.trial} saved at step ${formatCount(kind.value.step)}`;
    case "checkpointDamaged": {
      const { trial, step, goesOnFromStep, message } = kind.value;
      return `trial ${trial}: the checkpoint at step ${formatCount(step)} can't be restored; continues from step ${formatCount(goesOnFromStep)}: ${message}`;
    }
    case "attemptEnded":
      return `trial ${kind.value.trial}: attempt ${kind.value.attempt} ended: ${endWords(kind.value)}`;
    case "trialPaused":
      return `trial ${kind.value.trial} waits at step ${formatCount(kind.value.step)} for the strategy`;
    case "trialEnded":
      return `trial ${kind.value.trial} ended: ${endWords(kind.value)}${measurementWords(kind.value.final)}`;
    case "findingReported":
      return `${kind.value.severity} of ${kind.value.source}: ${kind.value.message}`;
    default:
      return "a fact that this version does not know";
  }
}

function endWords({ reason, message }: { readonly reason: string; readonly message: string }): string {
  return message === "" ? reasonWords(reason) : `${reasonWords(reason)} (${message})`;
}

function measurementWords(measurement: Measurement | undefined): string {
  if (measurement === undefined) return "";
  return ` at step ${formatCount(measurement.step)}:${listWords(measurement.metrics)}`;
}

function untilWords(step: number | undefined): string {
  return step === undefined || step === 0 ? "" : ` until step ${formatCount(step)}`;
}

/** What of another trial it begins with. */
function fromWords(work: Work | undefined): string {
  const copies = work?.fromTrial === undefined ? "" : ` from the checkpoint of trial ${work.fromTrial}`;
  const others = (work?.inputs ?? []).filter(({ artifact }) => artifact?.kind !== "schedule");
  const schedule = others.length < (work?.inputs.length ?? 0) ? " on a learned schedule" : "";
  return `${copies}${schedule}${others.length === 0 ? "" : ` with ${inputWords(others)}`}`;
}

function listWords(map: Readonly<Record<string, unknown>> | undefined): string {
  const entries = Object.entries(map ?? {});
  const number = numberFormat();
  const words = entries.slice(0, namesMax).map(([name, value]) => ` ${name} ${parameterText(value, number)}`);
  return words.join("") + (entries.length > namesMax ? " …" : "");
}
