import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { blackBoxDocument, lifeOf, quietFaults } from "./life.js";
import { live } from "./simulate.js";

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
    const life = { seed: 3, document: blackBoxDocument("random", 20), trials: 20, faults: quietFaults };
    const proposals = async (agents: number) =>
      (await live({ ...life, agents })).facts.flatMap(({ kind }) => (kind?.$case === "trialProposed" ? [kind.value] : []));
    assert.deepEqual(await proposals(1), await proposals(4));
  });
});
