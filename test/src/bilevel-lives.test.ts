/**
 * Bilevel strategies in simulated clusters, with the procedures that agents run: whatever is killed, lost, repeated or late, on however many agents
 * and shards, the steps are those of an undisturbed life on one agent, bit for bit.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRng } from "@regulus/algorithms/core";
import { loadProcedure, loadWorkload } from "@regulus/algorithms/training";
import { type Life, lifeOf, live, type OpenSession, quietFaults } from "@regulus/coordinator/simulation";
import { EndReason, type Fact, stepOutcome } from "@regulus/proto";

const quadratic = { name: "quadratic-samples", options: { samples: 7 } };
const maid = { steps: 4, stepLength: 1e-3 };
const stochastic = { steps: 4, eta: 0.1, period: 2, lowerRate: 0.5, adjointRate: 0.2 };
const digits = { trainSize: 40, validSize: 20, testSize: 20, classes: 3, side: 4, units: 5, batchSize: 20, validBatchSize: 10 };
const tasks = { tasks: 5, classes: 3, shots: 2, queries: 3, side: 4, features: 4 };

/** Searches: strategy, its options, workload, objective. */
const kinds = [
  ["maid", maid, quadratic, "upperLoss"],
  ["maid", { ...maid, stepLength: 10, earlyRejection: true }, quadratic, "upperLoss"],
  ["hoag", { steps: 5 }, quadratic, "upperLoss"],
  ["bo-rep", stochastic, { name: "hyper-representation", options: tasks }, "validLoss"],
  ["bo-rep", stochastic, { name: "hyper-cleaning", options: digits }, "validLoss"],
  ["maid", { ...maid, replacements: 1000 }, quadratic, "upperLoss"],
  ["hoag", { steps: 5, replacements: 1000 }, quadratic, "upperLoss"],
  ["bo-rep", { ...stochastic, replacements: 1000 }, { name: "hyper-cleaning", options: digits }, "validLoss"],
] as const;

const open: OpenSession = async (request) => (await loadProcedure(request.work.procedure)).open(request);

interface Setting {
  readonly kind: (typeof kinds)[number];
  readonly shards: number;
  readonly parallelism: number;
}

function document({ kind: [name, options, workload, metric], shards, parallelism }: Setting) {
  const objective = { metric, direction: "minimize" };
  // Where trials may be replaced, none is tried again.
  const retries = { max: "replacements" in options ? 0 : 1000, backoff: "100ms" };
  return { workload, objective, strategy: { name, options: { ...options, shards } }, parallelism, retries };
}

function stepsOf(facts: readonly Fact[]) {
  return facts.flatMap(({ kind }) =>
    kind?.$case === "strategyStepped" && stepOutcome(kind.value) !== "news" ? [kind.value] : [],
  );
}

const endedWell: ReadonlySet<EndReason> = new Set([EndReason.END_REASON_DONE, EndReason.END_REASON_STOPPED_EARLY]);

/** Whether every step that was taken is numbered in order, each once. */
function stepsInOrder(facts: readonly Fact[]): boolean {
  const accepted = stepsOf(facts).filter((step) => step.accepted);
  return accepted.every(({ step }, index) => index === 0 || step > (accepted[index - 1]?.step ?? 0));
}

/** The seed of all searches: what differs between two lives is what happens to them. */
const searchSeed = 5;

describe("bilevel strategies in simulated clusters", async () => {
  // Loaded beforehand: a file that is read takes real time.
  await Promise.all(["quadratic-samples", "hyper-representation", "hyper-cleaning"].map(loadWorkload));
  const lives = Number(process.env.REGULUS_LIVES ?? 4);
  const seeds = process.env.REGULUS_SEED === undefined ? undefined : [Number(process.env.REGULUS_SEED)];
  for (const [index, kind] of kinds.entries()) {
    const name = `${kind[0]} over ${kind[2].name}${"earlyRejection" in kind[1] ? ", rejecting early" : ""}${"replacements" in kind[1] ? ", lost trials replaced" : ""}`;
    it(`${name}: the same steps, bit for bit, in every life`, async () => {
      const alone = { document: document({ kind, shards: 1, parallelism: 1 }), open };
      const expected = stepsOf((await live({ ...alone, seed: searchSeed, agents: 1, faults: quietFaults })).facts);
      assert.ok(expected.filter(({ accepted }) => accepted).length >= 2, "it took its steps");
      let lost = 0;
      for (const seed of seeds ?? Array.from({ length: lives }, (_, number) => 100 * index + number)) {
        const rng = createRng(seed).fork("bilevel life");
        const shards = 1 + rng.integer(4);
        const parallelism = shards * (1 + rng.integer(3));
        const { agents, faults: all } = lifeOf(seed);
        // A checkpoint that is damaged takes solutions with it that nobody else holds: that is told, and changes steps.
        const faults = { ...all, damageProbability: 0 };
        const life: Life = {
          seed,
          agents,
          faults,
          document: { ...document({ kind, shards, parallelism }), seed: searchSeed },
          open,
        };
        try {
          const { facts } = await live(life);
          assert.deepEqual(stepsOf(facts), expected);
          lost += facts.filter(({ kind }) => kind?.$case === "trialEnded" && !endedWell.has(kind.value.reason)).length;
        } catch (cause) {
          const how = `REGULUS_SEED=${seed} node --test test/dist/bilevel-lives.test.js`;
          throw new Error(`${name}: seed ${seed} took other steps; replay it with: ${how}\n${JSON.stringify(life)}`, { cause });
        }
      }
      if (seeds === undefined) assert.equal(lost > 0, "replacements" in kind[1], `${lost} trials ended for good`);
    });

    if ("replacements" in kind[1]) {
      it(`${name}: the same steps where its user has failed trials tried again, while it runs and after its end`, async () => {
        const alone = { document: document({ kind, shards: 1, parallelism: 1 }), open };
        const expected = stepsOf((await live({ ...alone, seed: searchSeed, agents: 1, faults: quietFaults })).facts);
        let retried = 0;
        for (let number = 0; number < lives; number += 1) {
          const seed = 7000 + 100 * index + number;
          const shards = 1 + (number % 3);
          const { agents, faults } = lifeOf(seed);
          const setting = { ...document({ kind, shards, parallelism: 2 * shards }), seed: searchSeed };
          const more = { retriesAsked: 10, faults: { ...faults, damageProbability: 0, agentKills: 3 } };
          const { facts } = await live({ seed, agents, document: setting, open, ...more });
          assert.deepEqual(stepsOf(facts), expected, `seed ${seed}`);
          retried += facts.filter((fact) => fact.kind?.$case === "trialRetried").length;
        }
        assert.ok(retried > 0, "failed trials were retried");
      });
    }

    it(`${name}: continues in order where its wall time ended it and its user adds to that`, async () => {
      const alone = { document: document({ kind, shards: 1, parallelism: 1 }), open };
      const whole = await live({ ...alone, seed: searchSeed, agents: 1, faults: quietFaults });
      const wallTime = `${Math.max(20, Math.floor(whole.virtualMs / 2))}ms`;
      let reopened = 0;
      for (let number = 0; number < lives; number += 1) {
        const seed = 9000 + 100 * index + number;
        const { agents, faults } = lifeOf(seed);
        const setting = {
          ...document({ kind, shards: 1 + (number % 2), parallelism: 2 }),
          seed: searchSeed,
          budget: { wallTime },
        };
        const more = { wallTimeAddedMs: 10 * 3_600_000, faults: { ...faults, damageProbability: 0 } };
        const { facts, search } = await live({ seed, agents, document: setting, open, ...more });
        assert.ok(!facts.some((fact) => fact.kind?.$case === "strategyFailed"), `seed ${seed}: ${search.reason}`);
        reopened += facts.filter((fact) => fact.kind?.$case === "searchReopened").length;
        assert.ok(stepsInOrder(facts), `seed ${seed}: ${JSON.stringify(stepsOf(facts).map(({ step }) => step))}`);
      }
      assert.ok(reopened > 0, "searches were opened again");
    });
  }
});
