/** Searches that lived through anything: no fact comes where it must not, and a log gives the same state again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EndReason, Fact } from "@regulus/proto";
import fc from "fast-check";
import { SearchState } from "./search-state.js";
import { allActs, lived, retriesMax, stepsPerTrial } from "./testing/lived-search.js";

const procedures = fc.constantFrom("command" as const, "fit" as const);

type Kind = NonNullable<Fact["kind"]>;

/** Whether an attempt that ended so counts against its trial's retries. A user error that another agent is to judge does not. */
const isRetried = (reason: EndReason) => reason !== EndReason.END_REASON_PREEMPTED && reason !== EndReason.END_REASON_USER_ERROR;

/** Follows the facts of a search one by one and fails at the first that must not be there. */
class Referee {
  readonly #trials = new Map<number, { status: string; attempt: number; failures: number }>();
  #search = "running";
  #trialsMax: number;

  constructor(trialsMax: number) {
    this.#trialsMax = trialsMax;
  }

  follow({ kind, position }: Fact): void {
    const words = `fact ${position}, ${kind?.$case}, while the search is ${this.#search}`;
    if (this.#search === "ended") assert.ok(kind?.$case === "searchReopened", words);
    switch (kind?.$case) {
      case "searchPaused":
        assert.equal(this.#search, "running", words);
        this.#search = "paused";
        return;
      case "searchResumed":
        assert.equal(this.#search, "paused", words);
        this.#search = "running";
        return;
      case "searchStopRequested":
        this.#search = "stopping";
        return;
      case "searchEnded":
        for (const { status } of this.#trials.values()) assert.equal(status, "ended", words);
        this.#search = "ended";
        return;
      case "searchReopened":
        this.#search = "running";
        return;
      case "searchTakenUp":
        assert.notEqual(this.#search, "paused", words);
        return;
      case "searchExtended":
        this.#trialsMax = kind.value.budget?.trials ?? 0;
        return;
      default:
        if (kind !== undefined && "trial" in kind.value && kind.value.trial !== undefined)
          this.#followTrial(kind, kind.value.trial, words);
    }
  }

  #followTrial(kind: Kind, number: number, words: string): void {
    if (kind.$case === "trialProposed") {
      assert.equal(number, this.#trials.size, words);
      assert.ok(number < this.#trialsMax, `${words}: trial ${number} of ${this.#trialsMax}`);
      this.#trials.set(number, { status: "ended", attempt: 0, failures: 0 });
    }
    const trial = this.#trials.get(number) ?? assert.fail(words);
    const from = (...statuses: readonly string[]) =>
      assert.ok(statuses.includes(trial.status), `${words}, trial ${number} ${trial.status}`);
    switch (kind.$case) {
      case "trialProposed":
      case "trialResumed":
        if (kind.$case === "trialResumed") from("paused");
        assert.equal(this.#search, "running", words);
        assert.ok((kind.value.work?.untilStep ?? 0) <= stepsPerTrial, words);
        trial.status = "pending";
        return;
      case "trialRetried":
        from("ended");
        trial.failures = 0;
        trial.status = "pending";
        return;
      case "attemptStarted":
        from("pending");
        assert.equal(this.#search, "running", words);
        assert.equal(kind.value.attempt, trial.attempt + 1, words);
        trial.attempt += 1;
        trial.status = "running";
        return;
      case "trialMeasured":
      case "trialCheckpointed":
      case "checkpointDamaged":
      case "attemptEnded":
        from("running");
        assert.equal(kind.value.attempt, trial.attempt, words);
        if (kind.$case !== "attemptEnded") return;
        if (isRetried(kind.value.reason)) trial.failures += 1;
        assert.ok(trial.failures <= retriesMax, words);
        trial.status = "pending";
        return;
      case "trialPaused":
        from("running", "pending");
        trial.status = "paused";
        return;
      case "trialEnded":
        from("running", "pending", "paused");
        assert.equal(kind.value.attempt, trial.attempt, words);
        trial.status = "ended";
        return;
      default:
        if (kind.$case !== "findingReported") from("running", "pending", "paused");
    }
  }
}

test("no fact comes where it must not: budgets, retries, turns of a trial and of its search", () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(allActs, procedures, (acts, procedure) => {
      const { facts, state } = lived(acts, procedure);
      const referee = new Referee(state.createdSpec.budget?.trials ?? 0);
      for (const fact of facts) referee.follow(fact);
      for (const { kind } of facts) seen.add(kind?.$case ?? "");
    }),
    { numRuns: 250 },
  );
  for (const kind of [
    "searchReopened",
    "searchExtended",
    "searchTakenUp",
    "checkpointDamaged",
    "trialDeferred",
    "trialStopRequested",
    "searchEnded",
  ])
    assert.ok(seen.has(kind), `${kind} came to pass`);
});

/** Everything that anybody can ask of a search, as plain data without what is undefined. */
function askedOf(state: SearchState, timeMs: number): unknown {
  const trials = Array.from({ length: state.nextTrial }, (_, number) => state.trial(number));
  const { usage, cost, news, agentRecords, live, pending, running, told } = state;
  const course = [state.status, state.outcome, state.reason, state.endsAs, state.strategyFailure, state.retried, state.saves];
  const late = [usage.at(timeMs), usage.attemptSeconds, usage.startedMs, cost.sinceAsked(), agentRecords.keptOff(timeMs)];
  const all = [state.view(), trials, live, pending, running, told, course, late, news.all(), state.firstTrials.allFailed];
  const plain = (_: string, value: unknown) => {
    if (value instanceof Map || value instanceof Set) return [...value];
    return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
  };
  return JSON.parse(JSON.stringify(all, plain));
}

test("facts that went through a log give the same state again", () => {
  fc.assert(
    fc.property(allActs, procedures, (acts, procedure) => {
      const { state, facts, timeMs } = lived(acts, procedure);
      const [first, ...rest] = facts.map((fact) => Fact.decode(Fact.encode(fact).finish()));
      const again = new SearchState(first ?? assert.fail("it was created"));
      for (const fact of rest) again.tell(fact);
      assert.deepEqual(askedOf(again, timeMs), askedOf(state, timeMs));
    }),
    { numRuns: 60 },
  );
});
