import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { lifeOf, live } from "./simulate.js";

const quiet = {
  delayMsMax: 1,
  dropProbability: 0,
  duplicateProbability: 0,
  appendMsMax: 0,
  fullProbability: 0,
  agentKills: 0,
  coordinatorKills: 0,
  wireBreaks: 0,
  clockJumps: 0,
};

describe("simulated clusters", () => {
  it("keeps every promise in a hundred lives with faults of all kinds", async () => {
    const only = process.env.REGULUS_SEED;
    const seeds = only === undefined ? Array.from({ length: 100 }, (_, seed) => seed) : [Number(only)];
    let kills = 0;
    for (const seed of seeds) {
      try {
        kills += (await live(lifeOf(seed))).coordinatorKills;
      } catch (cause) {
        const how = `REGULUS_SEED=${seed} node --test coordinator/dist/simulation/simulation.test.js`;
        throw new Error(`seed ${seed} broke a promise; replay it with: ${how}\n${JSON.stringify(lifeOf(seed))}`, { cause });
      }
    }
    if (only === undefined) assert.ok(kills > 50, `the faults do happen: ${kills} coordinators were killed`);
  });

  it("lives the same life again from the same seed, fact by fact", async () => {
    const seed = 7;
    const [first, second] = [await live(lifeOf(seed)), await live(lifeOf(seed))];
    assert.deepEqual(first.facts, second.facts);
    assert.equal(first.virtualMs, second.virtualMs);
  });

  it("proposes the same with one agent and with four", async () => {
    const life = { seed: 3, strategy: "random" as const, trials: 20, faults: quiet };
    const proposals = async (agents: number) =>
      (await live({ ...life, agents })).facts.flatMap(({ kind }) => (kind?.$case === "trialProposed" ? [kind.value] : []));
    assert.deepEqual(await proposals(1), await proposals(4));
  });
});
