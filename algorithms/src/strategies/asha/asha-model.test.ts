/**
 * Asynchronous successive halving against its own definition, written out over lists and sorts: after every fact of random searches the two propose the
 * same. Trials measure when and what they like, stop where they like, fail, come back and are stopped.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  Direction,
  EndReason,
  type Fact,
  type Measurement,
  type Objective,
  ObjectiveValue,
  Scale,
  type Work,
} from "@regulus/proto";
import { createRng, createSpace, type Proposal, type Rng, type StrategyContext } from "../../core/index.js";
import { module, rungSteps } from "./asha.js";
import type { AshaOptions } from "./spec.js";
import { AshaDefinition, type Reading, type Trial } from "./testing/asha-definition.js";

const words = (proposals: readonly Proposal[]) =>
  proposals.map((one) => {
    if (one.kind === "start") return `start to ${one.untilStep}`;
    return one.kind === "resume" ? `${one.trial} to ${one.untilStep}` : one.kind;
  });

const ends = [
  EndReason.END_REASON_DONE,
  EndReason.END_REASON_DONE,
  EndReason.END_REASON_DIVERGED,
  EndReason.END_REASON_INFEASIBLE,
  EndReason.END_REASON_LOST,
  EndReason.END_REASON_USER_ERROR,
  EndReason.END_REASON_STOPPED_EARLY,
];

function compare(seed: number, objective: Objective, options: Partial<AshaOptions>, trialsMax: number): number {
  const context: StrategyContext = {
    space: createSpace([
      { name: "x", domain: { $case: "double", value: { min: 0, max: 1, scale: Scale.SCALE_LINEAR } }, when: undefined },
    ]),
    objectives: [objective],
    budget: { trials: trialsMax, steps: 0, stepsPerTrial: 27, wallTimeMs: 0 },
    parallelism: 4,
    inside: [],
    plainProcedure: "command",
  };
  const given = module.spec.options.parse(options);
  const strategy = module.create(context, given);
  const steps = rungSteps(context, given);
  const model = new AshaDefinition({ eta: given.eta, steps, objective, trialsMax, finishBest: given.finishBest });
  const rng = createRng(seed).fork("events");
  let state = strategy.init();
  let position = 0;
  let promotions = 0;
  const tell = (kind: Fact["kind"]) => {
    position += 1;
    const fact = { searchId: "s", position, timeMs: 0, kind };
    state = strategy.tell(state, fact);
  };
  const workTo = (rung: number) => {
    const untilStep = steps[rung] ?? 0;
    const final = rung === steps.length - 1;
    return { procedure: "command", parameters: {}, untilStep, final, options: undefined, vectors: {}, arm: "", inputs: [] };
  };
  const at: number[] = [];
  for (let event = 0; event < 160; event++) {
    const limit = rng.integer(4);
    const proposals = strategy.ask(state, limit, createRng(seed));
    assert.deepEqual(words(proposals), model.ask(limit), `seed ${seed}, event ${event}`);
    for (const proposal of proposals) {
      if (proposal.kind === "start") {
        assert.equal(proposal.final, steps.length === 1);
        tell({ $case: "trialProposed", value: { trial: model.trials.length, work: workTo(0) } });
        model.start();
        at.push(0);
      } else if (proposal.kind === "resume") {
        const rung = steps.indexOf(proposal.untilStep);
        assert.equal(proposal.final, rung === steps.length - 1);
        tell({ $case: "trialResumed", value: { trial: proposal.trial, work: workTo(rung) } });
        model.resume(proposal.trial, rung);
        promotions += 1;
      }
    }
    happen(rng, { model, at, tell, workTo });
  }
  return promotions;
}

interface World {
  readonly model: AshaDefinition;
  /** Newest step of each trial. */
  readonly at: number[];
  readonly tell: (kind: Fact["kind"]) => void;
  readonly workTo: (rung: number) => Work;
}

/** Something happens to some trial. */
function happen(rng: Rng, { model, at, tell, workTo }: World): void {
  const pick = (status: Trial["status"]) => {
    const all = model.trials.flatMap((trial, number) => (trial.status === status ? [number] : []));
    return all[rng.integer(Math.max(1, all.length))];
  };
  const draw = rng.uniform();
  const measurement = (trial: number): [Measurement, Reading] => {
    const isAgain = rng.uniform() < 0.3 && model.trials[trial]?.readings.at(-1)?.step === at[trial];
    // Most go on by a few steps; one that begins again after a loss goes back.
    const isBack = !isAgain && rng.uniform() < 0.1;
    const step = isAgain ? (at[trial] ?? 0) : isBack ? 1 : (at[trial] ?? 0) + 1 + rng.integer(6);
    at[trial] = step;
    const odd = rng.uniform();
    const loss = rng.integer(30) / 10;
    const value = odd < 0.05 ? Number.NaN : odd < 0.08 ? Number.POSITIVE_INFINITY : odd < 0.15 ? undefined : loss;
    const metrics: Record<string, number> = value === undefined ? { other: 1 } : { loss: value, other: 2 };
    const nothing = { learned: {}, scales: {}, hypergradients: {}, vectors: {}, seconds: 0 };
    return [
      { step, metrics, ...nothing },
      { step, value },
    ];
  };
  const busy = pick("busy");
  if (busy !== undefined && draw < 0.55) {
    const [told, reading] = measurement(busy);
    tell({ $case: "trialMeasured", value: { trial: busy, attempt: 1, measurement: told } });
    model.measure(busy, reading);
  } else if (busy !== undefined && draw < 0.85) {
    tell({ $case: "trialPaused", value: { trial: busy, attempt: 1, step: at[busy] ?? 0, artifacts: [] } });
    model.pause(busy);
  } else {
    const failed = pick("failed");
    if (draw > 0.96 && failed !== undefined) {
      tell({
        $case: "trialRetried",
        value: { trial: failed, work: workTo(model.trials[failed]?.target ?? 0), idempotencyKey: "", allFailed: false },
      });
      model.retry(failed);
      return;
    }
    const ending = draw > 0.92 ? pick("paused") : busy;
    if (ending === undefined) return;
    const isBusy = model.trials[ending]?.status === "busy";
    const reason = isBusy ? (ends[rng.integer(ends.length)] ?? EndReason.END_REASON_DONE) : EndReason.END_REASON_STOPPED_EARLY;
    const [final, reading] = isBusy && rng.uniform() < 0.5 ? measurement(ending) : [undefined, undefined];
    if (reading !== undefined) model.measure(ending, reading);
    tell({
      $case: "trialEnded",
      value: { trial: ending, attempt: 1, reason, message: "", final, artifacts: [], startedMs: 0 },
    });
    model.end(ending, reason);
  }
}

for (const [name, more] of [
  ["the best of any step, minimized", {}],
  ["the best of any step, maximized", { direction: Direction.DIRECTION_MAXIMIZE }],
  ["the newest, minimized", { value: ObjectiveValue.OBJECTIVE_VALUE_LAST }],
  ["the newest, maximized", { direction: Direction.DIRECTION_MAXIMIZE, value: ObjectiveValue.OBJECTIVE_VALUE_LAST }],
] as const) {
  test(`it proposes what its definition does, ranked by ${name}`, () => {
    const objective: Objective = { metric: "loss", direction: Direction.DIRECTION_MINIMIZE, ...more };
    let promotions = 0;
    for (const [index, options] of [
      { eta: 2 },
      { eta: 3 },
      { eta: 2.5, minSteps: 2, finishBest: false },
      { eta: 2, minSteps: 27 },
      { eta: 4, minSteps: 1 },
    ].entries()) {
      for (let seed = 0; seed < 8; seed++)
        promotions += compare(100 * index + seed, objective, options, seed % 2 === 0 ? 12 : 1000);
    }
    assert.ok(promotions > 200, `${promotions} promotions`);
  });
}
