/**
 * ASHA over programs that don't heed the step they are asked for: they measure every so many steps and stop at their first measurement at or past
 * the target. No trial is started again for a rung that it has passed, whatever is killed meanwhile.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Fact } from "@regulus/proto";
import { blackBoxDocument, type Faults, type LifeResult, quietFaults } from "./life.js";
import { live } from "./simulate.js";
import { type OpenSession, openFunction } from "./simulated-session.js";

/** Rungs of `blackBoxDocument`: 27 steps under η = 3. */
const rungs = [1, 3, 9, 27];

/** A program that measures, and could stop, only every `stride` steps. It may save, and else begins at step 0 again. */
function program(stride: number, saves: boolean): OpenSession {
  return async ({ checkpoint, ...request }) => {
    const session = await openFunction(saves && checkpoint !== undefined ? { ...request, checkpoint } : request);
    const step = async () => {
      for (let made = 0; made < stride; made++) await session.step();
    };
    return {
      get stepsDone() {
        return session.stepsDone;
      },
      ended: false,
      measureEverySteps: stride,
      step,
      measure: session.measure,
      save: session.save,
      close: session.close,
    };
  };
}

function search(life: { seed: number; stride: number; saves: boolean; faults?: Partial<Faults> }): Promise<LifeResult> {
  const { seed, stride, saves, faults } = life;
  const trials = 18;
  const document = blackBoxDocument("asha", trials);
  return live({ seed, document, trials, agents: 2, faults: { ...quietFaults, ...faults }, open: program(stride, saves) });
}

/** Attempts by trial. Fails at one that begins although its trial has measured at the step that it is to reach. */
function attemptsOf(facts: readonly Fact[]): ReadonlyMap<number, number> {
  const until = new Map<number, number>();
  const measured = new Map<number, number>();
  const attempts = new Map<number, number>();
  for (const { kind, position } of facts) {
    if (kind?.$case === "trialProposed" || kind?.$case === "trialResumed")
      until.set(kind.value.trial, kind.value.work?.untilStep ?? 0);
    if (kind?.$case === "trialMeasured") {
      const { trial, measurement } = kind.value;
      measured.set(trial, Math.max(measured.get(trial) ?? 0, measurement?.step ?? 0));
    }
    if (kind?.$case !== "attemptStarted") continue;
    const { trial } = kind.value;
    const [wanted = 0, has = 0] = [until.get(trial), measured.get(trial)];
    assert.ok(has < wanted, `fact ${position}: trial ${trial} has measured at step ${has} and starts again for ${wanted}`);
    attempts.set(trial, (attempts.get(trial) ?? 0) + 1);
  }
  return attempts;
}

const resumes = (facts: readonly Fact[]) =>
  facts.flatMap(({ kind }) => (kind?.$case === "trialResumed" ? [kind.value.work?.untilStep] : []));

describe("programs that run past their rungs", () => {
  for (const stride of [1, 2, 4, 10, 40]) {
    it(`costs one attempt for each measurement that rungs ask for, at every ${stride} steps`, async () => {
      for (const seed of [1, 2, 3]) {
        const { facts } = await search({ seed, stride, saves: true });
        // A rung is reached at the first multiple of the stride at or past it; rungs with the same one are passed together.
        const stops = new Set(rungs.map((rung) => Math.ceil(rung / stride)));
        const most = Math.max(...attemptsOf(facts).values());
        // One attempt in five hundred steps is killed by chance, and its trial then has one more.
        const killed = facts.filter(({ kind }) => kind?.$case === "attemptEnded").length;
        assert.ok(most <= stops.size + killed, `${most} attempts of one trial for ${stops.size} stops, ${killed} were killed`);
        assert.ok(resumes(facts).includes(27), "some trial went to the last rung");
      }
    });
  }

  it("starts nothing again for what was passed where agents, wires and the coordinator fail", async () => {
    // Messages that take long leave time to die between a measurement and the word that the attempt is over.
    const faults = { agentKills: 4, coordinatorKills: 1, wireBreaks: 2, delayMsMax: 1500, dropProbability: 0.02 };
    for (const saves of [true, false]) {
      for (let seed = 10; seed < 16; seed++) attemptsOf((await search({ seed, stride: 5, saves, faults })).facts);
    }
  });
});
