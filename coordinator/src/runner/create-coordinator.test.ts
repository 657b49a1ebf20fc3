import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { EndReason, type Fact, RegulusError, SearchOutcome, SearchStatus, TrialStatus } from "@regulus/proto";
import type { Hand } from "./testing/hand.js";
import { measurement } from "./testing/hand.js";
import { once, ScriptedCoordinator, start, until } from "./testing/scripted-coordinator.js";

let at: ScriptedCoordinator;

beforeEach(async () => {
  at = new ScriptedCoordinator();
  await at.open();
});
afterEach(() => at.close());

const kinds = (facts: readonly Fact[]) => facts.map((fact) => fact.kind?.$case);
const code =
  (expected: RegulusError["code"], words = /./) =>
  (thrown: unknown) =>
    thrown instanceof RegulusError && thrown.code === expected && words.test(thrown.message);

describe("coordinator", () => {
  it("carries a trial from its proposal to its end", async () => {
    at.proposals = once(start(0.25));
    const hand = at.hand();
    const { searchId } = await at.create();
    await until("a lease", () => hand.leases.length === 1);
    const [lease] = hand.leases;
    assert.equal(lease?.spec?.name, "tested");
    assert.deepEqual(lease?.work?.parameters, { rate: 0.25 });
    hand.measure(lease, 5, 0.5);
    hand.finish(lease, EndReason.END_REASON_DONE, { final: measurement(10, { loss: 0.25 }) });
    await until("the end", () => at.coordinator.getSearch(searchId).status === SearchStatus.SEARCH_STATUS_ENDED);
    assert.equal(hand.acknowledged, 2);
    const search = at.coordinator.getSearch(searchId);
    assert.deepEqual(
      [search.outcome, search.bestTrial, search.bestValue, search.steps],
      [SearchOutcome.SEARCH_OUTCOME_COMPLETED, 0, 0.25, 10],
    );
    const wanted = ["searchCreated", "trialProposed", "attemptStarted", "trialMeasured", "trialEnded", "searchEnded"];
    assert.deepEqual(kinds(await at.factsOf(searchId)), wanted);
    const { trial, facts } = await at.coordinator.getTrial(searchId, 0);
    assert.deepEqual([trial?.status, trial?.best?.step, facts.length], [TrialStatus.TRIAL_STATUS_ENDED, 10, 4]);
    const rows = [];
    for await (const row of at.coordinator.exportSearch(searchId)) rows.push(row);
    assert.deepEqual(
      rows.map((row) => row.measurements.map(({ step }) => step)),
      [[5, 10]],
    );
  });

  it("ends a search whose strategy proposes outside of the space, with words", async () => {
    for (const [wrong, words] of [
      [start(7), /rate: saw 7/],
      [{ kind: "resume", trial: 4, untilStep: 1, final: true }, /no trial 4/],
      [start(0.5, { procedure: "magic" }), /"magic", expected/],
    ] as const) {
      at.asked = 0;
      at.proposals = once(wrong);
      const { searchId } = await at.create();
      await until("the end", () => at.coordinator.getSearch(searchId).status === SearchStatus.SEARCH_STATUS_ENDED);
      const search = at.coordinator.getSearch(searchId);
      assert.equal(search.outcome, SearchOutcome.SEARCH_OUTCOME_FAILED);
      assert.match(search.reason, words);
    }
  });

  it("refuses the reports of an attempt that lost its lease, and tries the trial again from its checkpoint", async () => {
    await at.close();
    await at.open(200);
    at.proposals = once(start());
    const first = at.hand("first");
    const { searchId } = await at.create({ retries: { backoff: "1ms" } });
    await until("a lease", () => first.leases.length === 1);
    const checkpoint = await at.put("four steps");
    first.report(first.leases[0], { $case: "checkpointed", value: { step: 4, checkpoint } });
    await until("the checkpoint", () => first.acknowledged === 1);
    const second = at.hand("second");
    const beat = setInterval(
      () => second.connection.heartbeat({ active: second.leases.flatMap(({ key }) => key ?? []), sentMs: 0, artifactBytes: 0 }),
      50,
    );
    await until("the second lease", () => second.leases.length === 1);
    clearInterval(beat);
    const [lease] = second.leases;
    assert.deepEqual([lease?.key?.attempt, lease?.resumeStep, lease?.resumeFrom], [2, 4, checkpoint]);
    assert.equal(lease?.seed, first.leases[0]?.seed);
    assert.match(first.closedBecause ?? "", /nothing was heard/);
    const refusedBefore = at.coordinator.gauges.reportsRefusedTotal;
    const late = at.hand("first");
    late.finish(first.leases[0], EndReason.END_REASON_DONE, { final: measurement(10, { loss: 0 }) });
    await until("an acknowledgement", () => late.acknowledged === 1);
    assert.equal(at.coordinator.gauges.reportsRefusedTotal, refusedBefore + 1);
    assert.equal(at.coordinator.getSearch(searchId).counts?.done, 0);
  });

  it("ends trials for their reasons and never retries those that are the trial's own fault", async () => {
    const reasons = [EndReason.END_REASON_DIVERGED, EndReason.END_REASON_INFEASIBLE, EndReason.END_REASON_USER_ERROR];
    at.proposals = once(start(), start(), start(), start(), start());
    const hand = at.hand();
    const { searchId } = await at.create({ parallelism: 5 });
    for (const [index, reason] of reasons.entries()) {
      await until("a lease", () => hand.leases.length > index);
      hand.finish(hand.leases[index], reason);
    }
    await until("two more leases", () => hand.leases.length === 5);
    hand.finish(hand.leases[3], EndReason.END_REASON_DONE);
    hand.finish(hand.leases[4], EndReason.END_REASON_DONE, { final: measurement(3, { cost: 1 }) });
    await until("the end", () => at.coordinator.getSearch(searchId).status === SearchStatus.SEARCH_STATUS_ENDED);
    const { trials } = at.coordinator.listTrials({
      searchId,
      statuses: [],
      bestFirst: false,
      orderBy: "",
      pageSize: 0,
      pageToken: "",
    });
    const userError = EndReason.END_REASON_USER_ERROR;
    assert.deepEqual(
      trials.map((trial) => trial.reason),
      [...reasons, userError, userError],
    );
    assert.match(trials[3]?.message ?? "", /nothing was measured/);
    assert.match(trials[4]?.message ?? "", /no metric loss.*it has: cost/);
  });

  it("stops, pauses and resumes", async () => {
    at.proposals = once(start(), start());
    const hand = at.hand();
    const { searchId } = await at.create();
    await until("leases", () => hand.leases.length === 2);
    await at.coordinator.pauseSearch(searchId, "lunch");
    assert.deepEqual(
      hand.stops.map((stop) => stop.reason),
      [EndReason.END_REASON_PREEMPTED, EndReason.END_REASON_PREEMPTED],
    );
    for (const lease of hand.leases.slice(0, 2)) hand.finish(lease, EndReason.END_REASON_PREEMPTED);
    await until("both pending", () => at.coordinator.getSearch(searchId).counts?.pending === 2);
    assert.equal(hand.leases.length, 2);
    assert.match((await at.coordinator.explainSearch(searchId, 0)).summary, /its search is paused/);
    await at.coordinator.resumeSearch(searchId);
    await until("leases again", () => hand.leases.length === 4);
    await at.coordinator.stopTrial(searchId, 0, "enough");
    const stopping = await at.coordinator.stopSearch(searchId, "done");
    assert.equal(stopping.status, SearchStatus.SEARCH_STATUS_STOPPING);
    await assert.rejects(at.coordinator.deleteSearch(searchId), code("failed-precondition"));
    for (const lease of hand.leases.slice(2)) hand.finish(lease, EndReason.END_REASON_STOPPED_EARLY);
    await until("the end", () => at.coordinator.getSearch(searchId).status === SearchStatus.SEARCH_STATUS_ENDED);
    assert.equal(at.coordinator.getSearch(searchId).outcome, SearchOutcome.SEARCH_OUTCOME_STOPPED);
    await assert.rejects(at.coordinator.pauseSearch(searchId, ""), code("failed-precondition", /has ended/));
    await at.coordinator.deleteSearch(searchId);
    assert.throws(() => at.coordinator.getSearch(searchId), code("not-found"));
    assert.deepEqual(await at.log.searches(), []);
  });

  it("spends a budget of steps exactly: what has reached its step is done, the rest stops", async () => {
    at.proposals = once(start(), start());
    const hand = at.hand();
    const { searchId } = await at.create({ budget: { steps: 15 } });
    await until("leases", () => hand.leases.length === 2);
    hand.measure(hand.leases[0], 10, 1);
    hand.measure(hand.leases[1], 5, 1);
    await until("a stop", () => hand.stops.length === 1);
    assert.equal(hand.stops[0]?.lease?.trial, 1);
    hand.finish(hand.leases[1], EndReason.END_REASON_STOPPED_EARLY);
    hand.finish(hand.leases[0], EndReason.END_REASON_DONE, { final: measurement(10, { loss: 1 }) });
    await until("the end", () => at.coordinator.getSearch(searchId).status === SearchStatus.SEARCH_STATUS_ENDED);
    const search = at.coordinator.getSearch(searchId);
    assert.deepEqual(
      [search.counts?.done, search.counts?.stopped, search.outcome],
      [1, 1, SearchOutcome.SEARCH_OUTCOME_COMPLETED],
    );
  });

  it("does not ask again and again a strategy that proposes past its budget", async () => {
    at.proposals = () => [start(), start(), start()];
    const hand = at.hand();
    const { searchId } = await at.create({ budget: { trials: 1 } });
    await until("a lease", () => hand.leases.length === 1);
    const before = at.asked;
    for (let turn = 0; turn < 100; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(at.asked - before <= 2, `${at.asked - before} questions in a hundred turns in which nothing happened`);
    hand.finish(hand.leases[0], EndReason.END_REASON_DONE, { final: measurement(10, { loss: 1 }) });
    await until("the end", () => at.coordinator.getSearch(searchId).status === SearchStatus.SEARCH_STATUS_ENDED);
    assert.match(at.coordinator.getSearch(searchId).reason, /budget spent: 1 of 1 trial/);
  });

  it("asks again after a report with which nothing else came, and ends the search where nothing more does", async () => {
    at.proposals = (asked) =>
      asked > 3 ? [] : [{ kind: "report", step: asked, accepted: true, metrics: {}, message: "a step" }];
    const { searchId } = await at.create();
    await until("the end", () => at.coordinator.getSearch(searchId).status === SearchStatus.SEARCH_STATUS_ENDED);
    const steps = ["strategyStepped", "strategyStepped", "strategyStepped"];
    assert.deepEqual(kinds(await at.factsOf(searchId)), ["searchCreated", ...steps, "searchEnded"]);
  });

  it("fails a strategy that does nothing but report", async () => {
    at.proposals = (asked) => [{ kind: "report", step: asked, accepted: true, metrics: {}, message: "a step" }];
    const { searchId } = await at.create();
    await until("the end", () => at.coordinator.getSearch(searchId).status === SearchStatus.SEARCH_STATUS_ENDED);
    assert.match(at.coordinator.getSearch(searchId).reason, /only reported in 101 answers/);
  });

  it("answers a full disk clearly, takes nothing for true that the log did not, and continues by itself", async () => {
    at.proposals = once(start());
    const hand = at.hand();
    const { searchId } = await at.create();
    await until("a lease", () => hand.leases.length === 1);
    at.appendFault = new RegulusError("exhausted", "no space for the log");
    hand.finish(hand.leases[0], EndReason.END_REASON_DONE, { final: measurement(10, { loss: 1 }) });
    await until("the connection to be closed", () => hand.closedBecause !== undefined);
    await assert.rejects(at.create(), code("exhausted", /can't be written, nothing was changed/));
    assert.throws(() => at.hand(), code("exhausted"));
    assert.equal(hand.acknowledged, 0);
    await until("the search to be read again", () => isReadable(searchId));
    assert.equal(at.coordinator.getSearch(searchId).counts?.running, 1);
    at.appendFault = undefined;
    let back: Hand | undefined;
    await until("the door to open", () => {
      try {
        back ??= at.hand("hand", []);
      } catch {
        return false;
      }
      return true;
    });
    back?.finish(hand.leases[0], EndReason.END_REASON_DONE, { final: measurement(10, { loss: 1 }) });
    await until("the end", () => at.coordinator.getSearch(searchId).status === SearchStatus.SEARCH_STATUS_ENDED);
    assert.equal(at.coordinator.getSearch(searchId).counts?.done, 1);
  });

  it("continues after a restart: an agent that comes back keeps its attempt, and a watcher its place", async () => {
    at.proposals = once(start());
    const hand = at.hand();
    const { searchId } = await at.create();
    await until("a lease", () => hand.leases.length === 1);
    await at.close();
    await at.open();
    const back = at.hand("hand", [hand.leases[0]?.key]);
    await until("a registration", () => back.messages.length > 0);
    const [registered] = back.messages;
    assert.ok(registered?.message?.$case === "registered");
    assert.deepEqual(registered.message.value.revoked, []);
    const seen: (string | undefined)[] = [];
    const watching = (async () => {
      for await (const { facts } of at.coordinator.watchSearch(searchId, 2)) seen.push(...kinds(facts));
    })();
    back.finish(hand.leases[0], EndReason.END_REASON_DONE, { final: measurement(10, { loss: 1 }) });
    await watching;
    assert.deepEqual(seen, ["attemptStarted", "trialEnded", "searchEnded"]);
  });

  it("pages through trials, the best first, without losing or repeating one", async () => {
    const many = 250;
    at.proposals = (count) => (count <= many ? [start((count % 97) / 97)] : []);
    const hand = at.hand();
    const { searchId } = await at.create({ budget: { trials: many } });
    for (let done = 0; done < many; done += 1) {
      await until("a lease", () => hand.leases.length > done);
      const lease = hand.leases[done];
      const rate = Number(lease?.work?.parameters?.rate);
      hand.finish(lease, EndReason.END_REASON_DONE, { final: measurement(10, { loss: rate }) });
    }
    await until("the end", () => at.coordinator.getSearch(searchId).counts?.done === many);
    const losses: number[] = [];
    const numbers = new Set<number>();
    let pageToken = "";
    do {
      const page = at.coordinator.listTrials({ searchId, statuses: [], bestFirst: true, orderBy: "", pageSize: 37, pageToken });
      for (const trial of page.trials) {
        losses.push(trial.best?.metrics.loss ?? Number.NaN);
        numbers.add(trial.trial);
      }
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    assert.equal(numbers.size, many);
    assert.deepEqual(
      losses,
      [...losses].sort((a, b) => a - b),
    );
    const wrong = { searchId, statuses: [], bestFirst: true, orderBy: "", pageSize: 1, pageToken: "nonsense" };
    assert.throws(() => at.coordinator.listTrials(wrong), code("invalid-argument", /pageToken/));
  });
});

function isReadable(searchId: string): boolean {
  try {
    return at.coordinator.getSearch(searchId) !== undefined;
  } catch {
    return false;
  }
}
