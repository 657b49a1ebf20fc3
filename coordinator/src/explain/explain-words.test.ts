/** What is said of a search and its trials, word for word, at each turn of a life: facts in, sentences out. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EndReason, type Fact, RegulusError, SearchOutcome } from "@regulus/proto";
import fc from "fast-check";
import { nowMs, SearchAt } from "../search/testing/search-at.js";
import { explain } from "./explain.js";

async function* inPieces(facts: readonly Fact[]): AsyncGenerator<readonly Fact[]> {
  for (let at = 0; at < facts.length; at += 7) yield facts.slice(at, at + 7);
}
const explained = (at: SearchAt, trial?: number, askedMs = at.timeMs) =>
  explain(inPieces(at.facts), { searchId: "s", trial, nowMs: askedMs });
const summaryOf = async (at: SearchAt, trial?: number, askedMs?: number) => (await explained(at, trial, askedMs)).summary;
const textsOf = async (at: SearchAt, trial?: number) => (await explained(at, trial)).explanations.map(({ text }) => text);
const checkpoint = { sha256: "ab".repeat(32), size: 1, kind: "checkpoint" };
const iso = (ms: number) => new Date(ms).toISOString();

describe("the summary of a search", () => {
  it("follows it from its creation to its end", async () => {
    const at = new SearchAt({ budget: { trials: 9 } });
    const none = "(0 running, 0 pending, 0 done, 0 stopped, 0 failed)";
    assert.equal(await summaryOf(at), `The search continues ${none}.`);
    at.pending(0).pending(1);
    assert.equal(
      await summaryOf(at),
      "The search waits: trial 0 waits for a free slot (0 running, 2 pending, 0 done, 0 stopped, 0 failed).",
    );
    at.tell({ $case: "searchPaused", value: { reason: "lunch" } });
    assert.match(await summaryOf(at), /^The search is paused: lunch \(/);
    at.tell({ $case: "searchResumed", value: {} }).attempt(0, 1);
    assert.match(await summaryOf(at), /^The search continues \(1 running, 1 pending,/);
    at.tell({ $case: "searchStopRequested", value: { reason: "enough", completed: false, failed: false } });
    assert.match(await summaryOf(at), /^The search stops and waits for 1 running trial: enough \(/);
    at.attempt(1, 1);
    assert.match(await summaryOf(at), /^The search stops and waits for 2 running trials: enough \(/);
    at.ended(0, EndReason.END_REASON_DONE, { loss: 1 }).ended(1, EndReason.END_REASON_STOPPED_EARLY);
    at.running(2).ended(2, EndReason.END_REASON_DIVERGED).over(SearchOutcome.SEARCH_OUTCOME_STOPPED);
    assert.equal(
      await summaryOf(at),
      "The search has ended (stopped): it is over (0 running, 0 pending, 1 done, 1 stopped, 1 failed).",
    );
  });

  it("of one that is not there, and a trial that is not, is an error that names it", async () => {
    const code = (words: RegExp) => (thrown: unknown) =>
      thrown instanceof RegulusError && thrown.code === "not-found" && words.test(thrown.message);
    await assert.rejects(explain(inPieces([]), { searchId: "s", trial: undefined, nowMs }), code(/there is no search "s"/));
    await assert.rejects(explained(new SearchAt().pending(0), 1), code(/search s has no trial 1; it has 1 so far/));
  });
});

describe("why a pending trial waits", () => {
  it("is the time of its retry until that has come, then the trial before it, then a slot", async () => {
    const at = new SearchAt({ retries: { max: 3 } }).running(0).pending(1);
    const retryAtMs = nowMs + 5000;
    const lost = { trial: 0, attempt: 1, reason: EndReason.END_REASON_LOST, message: "silent", retryAtMs };
    at.tell({ $case: "attemptEnded", value: lost });
    assert.equal(await summaryOf(at, 0), `Trial 0 waits to be retried, not before ${iso(retryAtMs)} (in 5 s).`);
    assert.equal(await summaryOf(at, 0, retryAtMs - 1), `Trial 0 waits to be retried, not before ${iso(retryAtMs)} (in 1 s).`);
    assert.equal(await summaryOf(at, 1), "Trial 1 waits for a free slot.");
    assert.equal(await summaryOf(at, 0, retryAtMs), "Trial 0 waits behind trial 1.");
    at.attempt(1, 1);
    assert.equal(await summaryOf(at, 0, retryAtMs), "Trial 0 waits for a free slot, to be retried.");
    assert.match(await summaryOf(at.ended(1, EndReason.END_REASON_DONE, { loss: 1 })), /^The search waits: trial 0 waits to be/);
  });

  it("is what the log has of the first in line, and of that one alone", async () => {
    const at = new SearchAt().pending(0).pending(1);
    for (const trial of [0, 1]) at.tell({ $case: "trialDeferred", value: { trial, reason: `no room for ${trial}` } });
    assert.equal(await summaryOf(at, 0), "Trial 0 can't be placed: no room for 0.");
    assert.equal(await summaryOf(at, 1), "Trial 1 waits behind trial 0.");
    at.tell({ $case: "searchPaused", value: { reason: "" } });
    assert.equal(await summaryOf(at, 0), "Trial 0 waits because its search is paused.");
  });

  it("is another agent, where it is to judge the one on which it failed", async () => {
    const at = new SearchAt().running(0);
    const value = { trial: 0, attempt: 1, reason: EndReason.END_REASON_USER_ERROR, message: "no folder", retryAtMs: nowMs };
    at.tell({ $case: "attemptEnded", value });
    assert.equal(await summaryOf(at, 0), "Trial 0 waits for a slot of another agent than a, where it ended as a user error.");
  });
});

describe("the explanation of a trial", () => {
  it("tells each turn of its life, with the fact that says so, and no measurement", async () => {
    const at = new SearchAt().running(0, { final: false, untilStep: 9 }).measured(0, 3, 1);
    at.tell({ $case: "trialCheckpointed", value: { trial: 0, attempt: 1, step: 3, checkpoint } });
    assert.equal(await summaryOf(at, 0), "Trial 0 runs on agent a (attempt 1, step 3).");
    at.tell({ $case: "trialPauseRequested", value: { trial: 0, reason: "a straggler" } });
    at.tell({ $case: "trialPaused", value: { trial: 0, attempt: 1, step: 4, artifacts: [] } });
    assert.equal(await summaryOf(at, 0), "Trial 0 reached step 4 and waits for the strategy.");
    const { work } = at.state.live.get(0) ?? assert.fail("it is live");
    at.tell({ $case: "trialResumed", value: { trial: 0, work: { ...work, untilStep: 27 } } });
    at.tell({ $case: "attemptStarted", value: { trial: 0, attempt: 2, agentId: "b", fromStep: 3 } });
    at.tell({ $case: "checkpointDamaged", value: { trial: 0, attempt: 2, step: 3, checkpoint, message: "", goesOnFromStep: 1 } });
    at.tell({ $case: "trialStopRequested", value: { trial: 0, reason: "enough" } });
    at.pending(1);
    at.tell({
      $case: "findingReported",
      value: { trial: 0, source: "fit", severity: "warning", message: "slow", key: undefined },
    });
    at.ended(0, EndReason.END_REASON_OUT_OF_MEMORY, { message: "4 GiB" });
    assert.equal(await summaryOf(at, 0), "Trial 0 has ended (out of memory): 4 GiB.");
    at.tell({ $case: "trialRetried", value: { trial: 0, work, idempotencyKey: "", allFailed: false } }).attempt(0, 3);
    at.ended(0, EndReason.END_REASON_DONE, { loss: 1 });
    assert.equal(await summaryOf(at, 0), "Trial 0 has ended (done).");
    const { explanations } = await explained(at, 0);
    assert.deepEqual(
      explanations.map(({ text, position }) => `${position} ${text}`),
      [
        "2 its strategy proposed it",
        "3 attempt 1 went to agent a, from step 0",
        "5 it saved step 3",
        "6 its strategy asked it to pause: a straggler",
        "7 it reached step 4 and waited for the strategy",
        "8 its strategy resumed it, to step 27",
        "9 attempt 2 went to agent b, from step 3",
        "10 its checkpoint at step 3 could not be restored; it continues from step 1",
        "11 its early end was asked for: enough",
        "13 fit found (warning): slow",
        "14 it ended (out of memory): 4 GiB",
        "15 its user asked for it to be retried, from its last checkpoint",
        "16 attempt 3 went to agent a, from step 0",
        "17 it ended (done)",
      ],
    );
  });

  it("tells the newest twenty", async () => {
    const at = new SearchAt().running(0);
    for (let step = 1; step <= 30; step += 1)
      at.tell({ $case: "trialCheckpointed", value: { trial: 0, attempt: 1, step, checkpoint } });
    const texts = await textsOf(at, 0);
    assert.deepEqual([texts.length, texts[0], texts.at(-1)], [20, "it saved step 11", "it saved step 30"]);
  });
});

describe("the explanation of a search", () => {
  it("tells the newest turns of its course, then steps of its strategy, then who waits", async () => {
    const at = new SearchAt({ budget: { trials: 9 } }).tell({ $case: "searchPaused", value: { reason: "early" } });
    at.tell({ $case: "searchResumed", value: {} });
    const avoided = { agentId: "b", untilMs: nowMs + 600_000, message: "3 trials failed there" };
    at.tell({ $case: "agentAvoided", value: avoided });
    at.over().tell({ $case: "searchReopened", value: { reason: "it got more budget" } });
    const budget = { trials: 20, steps: 400, stepsPerTrial: 0, wallTimeMs: 3_600_000, failures: 3 };
    at.tell({ $case: "searchExtended", value: { budget, idempotencyKey: "" } });
    at.tell({ $case: "strategyFailed", value: { message: "no idea" } });
    const step = { metrics: {}, vectors: {}, message: "" };
    at.tell({ $case: "strategyStepped", value: { ...step, step: 1, accepted: true, metrics: { psi: 1 } } });
    at.pending(0).pending(1);
    assert.deepEqual(await textsOf(at), [
      `it keeps off agent b until ${iso(avoided.untilMs)} where another one can run its trials: 3 trials failed there`,
      "it ended: it is over",
      "it was opened again: it got more budget",
      "it got more budget: 20 trials, 400 steps, 1h of wall time, 3 failures in all",
      "its strategy failed: no idea",
      "its strategy took its step 1",
      "trial 0 waits for a free slot",
      "trial 1 waits behind trial 0",
    ]);
    const { explanations } = await explained(at);
    assert.deepEqual(
      explanations.slice(-2).map(({ position }) => position),
      [10, 11],
    );
    for (let trial = 2; trial < 9; trial += 1) at.pending(trial);
    const waits = (await textsOf(at)).filter((text) => text.includes("waits"));
    assert.equal(waits.length, 5, "of those that wait, the first five");
  });

  it("tells the newest three steps and, before them, the refused one that was tried last", async () => {
    const at = new SearchAt();
    for (let step = 1; step <= 6; step += 1) {
      const accepted = step > 2;
      at.tell({ $case: "strategyStepped", value: { step, accepted, metrics: { psi: 1 }, vectors: {}, message: "why" } });
    }
    at.tell({
      $case: "strategyStepped",
      value: { step: 7, accepted: false, metrics: {}, vectors: {}, message: "a shard is gone" },
    });
    assert.deepEqual((await textsOf(at)).slice(1), [
      "its strategy refused its step 2: why",
      "its strategy took its step 5: why",
      "its strategy took its step 6: why",
      "its strategy said at step 7: a shard is gone",
    ]);
    const refused = new SearchAt();
    refused.tell({
      $case: "strategyStepped",
      value: { step: 1, accepted: false, metrics: { psi: 1 }, vectors: {}, message: "" },
    });
    assert.deepEqual((await textsOf(refused)).slice(1), ["its strategy refused its step 1"], "it is told once");
  });
});

const ends = [
  EndReason.END_REASON_DONE,
  EndReason.END_REASON_STOPPED_EARLY,
  EndReason.END_REASON_USER_ERROR,
  EndReason.END_REASON_DIVERGED,
] as const;
const happening = fc.record({
  what: fc.constantFrom("ends", "attempt", "found"),
  end: fc.constantFrom(...ends),
  /** Ways of failing, more than are told. */
  way: fc.nat(7),
  preempted: fc.boolean(),
});

describe("failures and findings", () => {
  it("are reported once for each way, the newest ways last, with how often and by the newest of them", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { maxLength: 40 }), async (happenings) => {
        const at = new SearchAt({ retries: { max: 1000 } });
        const ways = { failures: new Map<string, number[]>(), findings: new Map<string, number[]>() };
        const note = (of: keyof typeof ways, way: string, trial: number) => {
          const known = ways[of].get(way) ?? [];
          ways[of].delete(way);
          ways[of].set(way, [...known, trial]);
        };
        for (const [trial, { what, end, way, preempted }] of happenings.entries()) {
          // Ways differ in words; what differs in numbers and folders alone is one way.
          const message = `${"x".repeat(way + 1)} at line ${trial} of /tmp/${trial}/train.py`;
          at.running(trial);
          if (what === "found") {
            at.tell({ $case: "findingReported", value: { trial, source: "fit", severity: "info", message, key: undefined } });
            note("findings", `findings ${way}`, trial);
          } else if (what === "attempt") {
            const reason = preempted ? EndReason.END_REASON_PREEMPTED : EndReason.END_REASON_LOST;
            at.tell({ $case: "attemptEnded", value: { trial, attempt: 1, reason, message, retryAtMs: nowMs } });
            if (!preempted) note("failures", `attempts ${way}`, trial);
          } else {
            at.ended(trial, end, { message });
            if (ends.indexOf(end) > 1) note("failures", `trials ${way} ${end}`, trial);
          }
        }
        const told = (await textsOf(at)).filter((text) => text.includes("at line"));
        const wanted = [ways.failures, ways.findings].flatMap((of) => [...of].slice(-5));
        assert.equal(told.length, wanted.length);
        for (const [index, [way, trials]] of wanted.entries()) {
          const noun = way.split(" ")[0] ?? "";
          const newest = trials.at(-1);
          const of = noun === "trials" ? "" : "of ";
          const head =
            trials.length === 1 ? `trial ${newest}: ` : `${trials.length} ${noun} alike, the newest ${of}trial ${newest}: `;
          assert.ok(told[index]?.startsWith(head), `${told[index]} begins with ${head}`);
          assert.match(told[index] ?? "", new RegExp(`at line ${newest} of`));
        }
      }),
      { numRuns: 60 },
    );
  });

  it("about the whole search are told alike, without a trial", async () => {
    const at = new SearchAt();
    const found = { trial: undefined, source: "scale-watch", severity: "warning", key: "k" };
    at.tell({ $case: "findingReported", value: { ...found, message: "drift 1" } });
    assert.deepEqual((await textsOf(at)).slice(1), ["scale-watch found (warning): drift 1"]);
    at.tell({ $case: "findingReported", value: { ...found, message: "drift 2" } });
    assert.deepEqual((await textsOf(at)).slice(1), ["2 findings alike, the newest: scale-watch found (warning): drift 2"]);
  });

  it("of two kinds are two, whatever their words", async () => {
    const at = new SearchAt().running(0).running(1);
    at.ended(0, EndReason.END_REASON_LOST, { message: "gone" }).ended(1, EndReason.END_REASON_USER_ERROR, { message: "gone" });
    for (const severity of ["info", "warning"])
      at.tell({ $case: "findingReported", value: { trial: undefined, source: "a", severity, message: "gone", key: undefined } });
    assert.deepEqual(
      (await textsOf(at)).filter((text) => text.includes("gone")),
      [
        "trial 0: it ended (lost): gone",
        "trial 1: it ended (user error): gone",
        "a found (info): gone",
        "a found (warning): gone",
      ],
    );
  });
});
