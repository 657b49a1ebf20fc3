/**
 * Conformance suite of a diagnostic; `diagnostic.test.ts` runs it over each registered one.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Direction, type Fact, Scale } from "@regulus/proto";
import { createRng, createSpace, type DiagnosticModule, type StrategyContext } from "../core/index.js";
import { strategies } from "../strategies/index.js";
import { driveStrategy } from "./strategy-driver.js";

/** Registers the suite for one diagnostic. */
export function testDiagnostic(module: DiagnosticModule<unknown>): void {
  describe(`diagnostic ${module.spec.name}`, () => {
    const create = () => module.create({ objectives }, module.spec.options.parse({}));
    const facts = troubledSearch();

    test("findings change nothing, are the same when asked again, and each has a key of its own", () => {
      const watch = create();
      let state = watch.init();
      for (const fact of facts) {
        state = watch.tell(state, fact);
        const before = structuredClone(state);
        const found = structuredClone(watch.findings(state));
        assert.deepEqual(state, before);
        assert.deepEqual(watch.findings(state), found);
        assert.equal(new Set(found.map(({ key }) => key)).size, found.length);
      }
    });

    test("a replay, and a state that was serialized, find the same", () => {
      const watch = create();
      const told = facts.reduce((state, fact) => watch.tell(state, fact), watch.init());
      const stored = facts.reduce((state, fact) => structuredClone(watch.tell(state, fact)), watch.init());
      assert.deepEqual(watch.findings(stored), watch.findings(told));
    });

    test("repeated, misplaced and absent facts are survived", () => {
      const watch = create();
      const order = createRng(1).permutation(facts.length);
      let state = watch.init();
      for (const at of order) {
        const fact = facts[at];
        if (fact === undefined || at % 3 === 0) continue;
        state = watch.tell(watch.tell(state, fact), fact);
      }
      assert.ok(Array.isArray(watch.findings(state)));
    });
  });
}

const objectives = [{ metric: "validLoss", direction: Direction.DIRECTION_MINIMIZE }];

/** Facts of a search in which every second trial diverges or is lost. */
function troubledSearch(): readonly Fact[] {
  const context: StrategyContext = {
    space: createSpace([
      { name: "x", domain: { $case: "double", value: { min: 0, max: 1, scale: Scale.SCALE_LINEAR } }, when: undefined },
    ]),
    objectives,
    budget: { trials: 40, steps: 0, stepsPerTrial: 27, wallTimeMs: 0 },
    parallelism: 4,
    inside: [],
    plainProcedure: "fit",
  };
  const asha = strategies.get("asha");
  assert.ok(asha !== undefined, "asha is registered");
  const strategy = asha.create(context, asha.spec.options.parse({}));
  const outcome = (trial: number) => (trial % 4 === 1 ? "diverges" : trial % 4 === 3 ? "is-lost" : "reaches");
  return driveStrategy({ strategy, context, seed: 2, agents: 4, metrics: ({ x }) => ({ validLoss: Number(x) }), outcome }).facts;
}
