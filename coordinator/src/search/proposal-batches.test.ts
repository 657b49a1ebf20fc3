/** What a batch of proposals may hold: starts, resumes and stops, their bounds, and the words for a strategy's author where one is wrong. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Proposal } from "@regulus/algorithms/core";
import { EndReason, limits } from "@regulus/proto";
import type { FactKind } from "./commands.js";
import { decide } from "./decide.js";
import { SearchAt } from "./testing/search-at.js";

type Start = Extract<Proposal, { kind: "start" }>;
type Resume = Extract<Proposal, { kind: "resume" }>;
const start = (more: Partial<Start> = {}): Proposal => {
  return { kind: "start", procedure: "command", parameters: { rate: 0.5 }, untilStep: 10, final: true, ...more };
};
const resume = (trial: number, more: Partial<Resume> = {}): Proposal => {
  return { kind: "resume", trial, untilStep: 20, final: false, ...more };
};
const stop = (trial: number): Proposal => ({ kind: "stop", trial, reason: "hopeless" });

interface Asking {
  readonly limit?: number;
  readonly asked?: number;
}
const take = ({ state }: SearchAt, proposals: readonly Proposal[], { limit = 9, asked = state.position }: Asking = {}) =>
  decide(state, { kind: "takeProposals", proposals, limit, asked });
const kindsOf = (facts: readonly FactKind[]) => facts.map(({ $case }) => $case);
const refusal = (facts: readonly FactKind[]) => (facts[0]?.$case === "strategyFailed" ? facts[0].value.message : "none");

describe("starts and resumes", () => {
  it("are taken up to the limit, and what is beyond it is left aside without a word", () => {
    const at = new SearchAt().paused(0).paused(1);
    const proposals = [start(), resume(0), start(), resume(1)];
    const by: Record<number, string[]> = { 0: [], 1: ["trialProposed"], 2: ["trialProposed", "trialResumed"] };
    for (const [limit, kinds] of Object.entries(by))
      assert.deepEqual(kindsOf(take(at, proposals, { limit: Number(limit) })), kinds);
    assert.deepEqual(kindsOf(take(at, [stop(0), stop(1)], { limit: 0 })).length, 4, "stops have no limit");
  });

  it("that need no slot, since the trial has passed its step, are taken beyond the limit", () => {
    const at = new SearchAt().running(0, { final: false }).measured(0, 30, 1);
    at.tell({ $case: "trialPaused", value: { trial: 0, attempt: 1, step: 30, artifacts: [] } });
    const facts = take(at, [resume(0), start()], { limit: 1 });
    assert.deepEqual(kindsOf(facts), ["trialResumed", "trialPaused", "trialProposed"]);
    assert.deepEqual(kindsOf(take(at, [resume(0)], { limit: 0 })), ["trialResumed", "trialPaused"]);
  });

  it("may send as many vectors and numbers as travel", () => {
    const at = new SearchAt();
    const numbers = { a: Array(limits.vectorNumbersMax - 1).fill(0), b: [1] };
    const names = Object.fromEntries(Array.from({ length: limits.measurementNamesMax }, (_, index) => [`v${index}`, [1]]));
    for (const vectors of [numbers, names]) assert.equal(refusal(take(at, [start({ vectors })])), "none");
    const metrics = Object.fromEntries(Array.from({ length: limits.measurementNamesMax }, (_, index) => [`m${index}`, 1]));
    assert.equal(refusal(take(at, [{ kind: "report", step: 1, accepted: true, metrics, message: "" }])), "none");
  });

  it("stay within the budget of trials, each start with the next number", () => {
    const at = new SearchAt({ budget: { trials: 3 } }).paused(0);
    const facts = take(at, [start(), start(), start(), resume(0)]);
    const numbers = facts.flatMap((fact) => (fact.$case === "trialProposed" ? [fact.value.trial] : []));
    assert.deepEqual([numbers, kindsOf(facts).at(-1)], [[1, 2], "trialResumed"]);
  });

  it("are none of a search that is paused or stops", () => {
    const at = new SearchAt().tell({ $case: "searchPaused", value: { reason: "" } });
    assert.deepEqual(take(at, [start(), start({ procedure: "" })]), []);
  });

  it("carry their work, and a resumed trial keeps what is not changed", () => {
    const given = { seedNumber: 7, arm: "control", options: { depth: 2 }, vectors: { theta: [1, 2] } } as const;
    const at = new SearchAt().paused(9);
    const [proposed] = take(at, [start({ ...given, fromTrial: 9, final: false })]);
    assert.ok(proposed?.$case === "trialProposed");
    const vectors = { theta: { values: [1, 2] } };
    const work = { procedure: "command", parameters: { rate: 0.5 }, untilStep: 10, final: false, inputs: [] };
    assert.deepEqual(proposed.value.work, { ...work, ...given, vectors, fromTrial: 9 });
    at.tell(proposed)
      .attempt(10, 1)
      .tell({ $case: "trialPaused", value: { trial: 10, attempt: 1, step: 10, artifacts: [] } });
    const resumed = (more: Partial<Resume>) => {
      const [fact] = take(at, [resume(10, more)]);
      return fact?.$case === "trialResumed" ? fact.value.work : assert.fail("it is resumed");
    };
    const same = { ...work, ...given, untilStep: 20, vectors: {}, fromTrial: undefined };
    assert.deepEqual(resumed({}), same, "what was sent once is not sent again");
    const more = { parameters: { rate: 0.25 }, options: { depth: 3 }, arm: "", fromTrial: 9, final: true } as const;
    assert.deepEqual(resumed(more), { ...same, ...more });
  });
});

describe("one trial in a batch", () => {
  it("is resumed once, stopped once, and not both", () => {
    const at = new SearchAt().paused(0).running(1);
    assert.match(
      refusal(take(at, [resume(0), resume(0)])),
      /proposal 2 of 2 \(resume\).*another proposal of the same batch is about trial 0/,
    );
    assert.deepEqual(kindsOf(take(at, [resume(0), stop(0)])), ["trialResumed"]);
    assert.deepEqual(kindsOf(take(at, [stop(1), stop(1)])), ["trialStopRequested"]);
    assert.match(refusal(take(at, [stop(0), resume(0)])), /another proposal of the same batch/);
    const pause = (trial: number): Proposal => ({ kind: "pause", trial, reason: "" });
    assert.deepEqual(kindsOf(take(at, [stop(1), pause(1)])), ["trialStopRequested"]);
    assert.deepEqual(take(at.ended(1, EndReason.END_REASON_DONE, { loss: 1 }), [pause(1), stop(1)]), [], "it is over");
  });

  it("that runs is asked to stop, and one that does not ends at once", () => {
    const at = new SearchAt().running(0).pending(1).paused(2);
    const facts = take(at, [stop(0), stop(1), stop(2)]);
    assert.deepEqual(kindsOf(facts), [
      "trialStopRequested",
      "trialStopRequested",
      "trialEnded",
      "trialStopRequested",
      "trialEnded",
    ]);
    const ends = facts.flatMap((fact) => (fact.$case === "trialEnded" ? [fact.value] : []));
    for (const { reason, message } of ends) assert.deepEqual([reason, message], [EndReason.END_REASON_STOPPED_EARLY, "hopeless"]);
    at.tell(...facts);
    assert.deepEqual(take(at, [stop(0), stop(1)]), [], "what stops or is over is left alone");
  });
});

describe("a resume of a trial that is not paused", () => {
  it("is the strategy's fault where it knew, and nobody's where the trial changed while it was thinking", () => {
    const at = new SearchAt().running(0).running(1).ended(1, EndReason.END_REASON_DONE, { loss: 1 });
    assert.match(refusal(take(at, [resume(0)])), /trial 0 is running, only a paused one can be resumed/);
    assert.match(refusal(take(at, [resume(1)])), /trial 1 is over, only a paused one/);
    for (const trial of [0, 1]) assert.deepEqual(take(at, [resume(trial)], { asked: at.state.position - 1 }), []);
  });
});

describe("a refused proposal", () => {
  /** As a strategy in plain JavaScript may answer. */
  const fromOutside: Proposal = { ...start(), ...JSON.parse('{ "arm": "Control!" }') };
  const long = {
    vectors: Object.fromEntries(Array.from({ length: limits.measurementNamesMax + 1 }, (_, at) => [`v${at}`, [1]])),
  };
  const refusals: readonly (readonly [string, Proposal, RegExp])[] = [
    ["a start without a procedure", start({ procedure: "" }), /names no procedure/],
    ["an unknown procedure", start({ procedure: "fitt" }), /procedure is "fitt", expected one of these \(did you mean fit\?\): /],
    ["a parameter outside of the space", start({ parameters: { rate: 2 } }), /rate/],
    ["a parameter that is missing", start({ parameters: {} }), /rate/],
    ["a step past the budget of a trial", start({ untilStep: 101 }), /untilStep is 101, the budget allows 100 steps a trial/],
    ["a step that is no number", start({ untilStep: Number.NaN }), /untilStep is NaN, a whole number/],
    ["a step below nothing", start({ untilStep: -1 }), /untilStep is -1, a whole number/],
    ["a part of a step", resume(0, { untilStep: 1.5 }), /untilStep is 1.5, a whole number/],
    ["a source that is not there", start({ fromTrial: 5 }), /starts from trial 5, and there are 1/],
    ["a source below nothing", resume(0, { fromTrial: -1 }), /starts from trial -1, and there are 1/],
    ["an arm that is no name", fromOutside, /arm is "Control!", expected/],
    [
      "a number in a vector that is not finite",
      start({ vectors: { a: [0, 1, Number.POSITIVE_INFINITY] } }),
      /vector a holds Infinity at index 2/,
    ],
    ["a first number that is none", resume(0, { vectors: { a: [Number.NaN, 1] } }), /vector a holds NaN at index 0/],
    ["more vectors than travel", start(long), /2001 vectors, at most 2000 are taken/],
    ["a resume of nobody", resume(1), /there is no trial 1; there are 1/],
    ["new parameters outside of the space", resume(0, { parameters: { rate: -1 } }), /rate/],
    ["a stop of nobody", stop(7), /there is no trial 7; there are 1/],
    ["of no known kind", JSON.parse('{ "kind": "begin" }'), /its kind .* is not start, resume, stop, pause or report/],
    [
      "a replay of nobody",
      start({ procedure: "fit", inputs: [{ trial: 3, kind: "schedule" }] }),
      /given schedule of trial 3, and there are 1/,
    ],
  ];
  for (const [what, proposal, words] of refusals) {
    it(`that is ${what} fails the strategy with a message, with nothing of its batch`, () => {
      const at = new SearchAt({ budget: { trials: 9, stepsPerTrial: 100 } }).paused(0);
      const facts = take(at, [start(), proposal], { limit: 5 });
      assert.match(refusal(facts), words);
      assert.match(refusal(facts), /^its proposal 2 of 2 /);
      assert.deepEqual(kindsOf(facts), ["strategyFailed", "searchStopRequested", "trialEnded"]);
      assert.ok(facts[1]?.$case === "searchStopRequested" && facts[1].value.failed);
      assert.equal(
        refusal(take(at, [start({ untilStep: 100 }), resume(0, { untilStep: 0 })])),
        "none",
        "the bounds themselves are fine",
      );
    });
  }

  it("tells of the first five wrong parameters", () => {
    const names = Array.from({ length: 8 }, (_, at) => `p${at}`);
    const space = Object.fromEntries(names.map((name) => [name, { type: "double", min: 0, max: 1 }]));
    const parameters = Object.fromEntries(names.map((name) => [name, 9]));
    const message = refusal(take(new SearchAt({ space }), [start({ parameters })]));
    assert.deepEqual(
      names.filter((name) => message.includes(name)),
      names.slice(0, 5),
    );
  });
});

describe("a procedure that learns inside of training", () => {
  const document = {
    command: undefined,
    workload: "mnist-mlp",
    objective: { metric: "validLoss" },
    strategy: "self-tuning-network",
  };
  const rate = { rate: { type: "double", min: 0, max: 1 } };
  const at = () => new SearchAt({ ...document, techniques: ["weight-decay"], space: { ...rate, weightDecay } });
  const weightDecay = { type: "double", min: 1e-6, max: 1, scale: "log" };

  it("may leave out what it learns and nothing else, and may be given it within its range", () => {
    const all = { rate: 0.5, weightDecay: 0.1 };
    const problem = (procedure: string, parameters: Record<string, number>) =>
      refusal(take(at(), [start({ procedure, parameters })]));
    assert.equal(problem("self-tune", all), "none");
    assert.equal(problem("self-tune", { rate: 0.5 }), "none");
    assert.match(problem("self-tune", { weightDecay: 0.1 }), /rate/);
    assert.match(problem("self-tune", { rate: 0.5, weightDecay: 2 }), /weightDecay/);
    assert.match(problem("fit", { rate: 0.5 }), /weightDecay/);
  });

  it("may leave it out too where it replays a schedule, also when it continues", () => {
    const schedule = { sha256: "ab".repeat(32), size: 2, kind: "schedule" };
    const work = {
      procedure: "fit",
      parameters: { rate: 0.5 },
      untilStep: 10,
      final: false,
      options: undefined,
      vectors: {},
      arm: "",
      inputs: [],
    };
    for (const [kept, words] of [
      [schedule, /^none$/],
      [undefined, /weightDecay/],
    ] as const) {
      const replays = at().tell({
        $case: "trialProposed",
        value: { trial: 0, work: { ...work, inputs: kept === undefined ? [] : [{ searchId: "", trial: 7, artifact: kept }] } },
      });
      replays.tell({ $case: "trialPaused", value: { trial: 0, attempt: 0, step: 0, artifacts: [] } });
      assert.match(refusal(take(replays, [resume(0, { parameters: { rate: 0.25 } })])), words);
      const artifacts = kept === undefined ? [] : [kept];
      const rest = { attempt: 0, reason: EndReason.END_REASON_DONE, message: "", final: undefined, startedMs: 0 };
      replays.tell({ $case: "trialEnded", value: { trial: 0, artifacts, ...rest } });
      assert.match(
        refusal(
          take(replays, [
            start({ procedure: "fit", parameters: { rate: 0.25 }, ...(kept && { inputs: [{ trial: 0, kind: "schedule" }] }) }),
          ]),
        ),
        words,
      );
    }
  });
});
