/** Sampling without replacement: every configuration once, whatever the space, and each trial by its seed and number alone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Parameter, Scale } from "@regulus/proto";
import fc from "fast-check";
import { numberedConfigurations } from "./configurations.js";
import { createSpace, valuesOf } from "./create-space.js";
import { createDistinctSampler, distinctConfigurationsMax, distinctTrials } from "./distinct-sampler.js";
import { createRng } from "./keyed-rng.js";
import { createSampler, samplerNames } from "./sampler.js";
import type { Configuration } from "./space.js";

const discrete = fc.oneof(
  fc
    .record({ min: fc.integer({ min: 1, max: 9 }), width: fc.nat(7), log: fc.boolean() })
    .map(({ min, width, log }): Parameter["domain"] => {
      const scale = log ? Scale.SCALE_LOG : Scale.SCALE_LINEAR;
      return { $case: "int", value: { min, max: min + width, scale } };
    }),
  fc.integer({ min: 1, max: 4 }).map((count): Parameter["domain"] => {
    return { $case: "categorical", value: { choices: [null, [1, null], "null", [1]].slice(0, count) } };
  }),
  fc.constant<Parameter["domain"]>({ $case: "boolean", value: {} }),
  fc.integer({ min: 1, max: 6 }).map((steps): Parameter["domain"] => {
    return { $case: "double", value: { min: -0.1, max: 0.1 * steps, scale: Scale.SCALE_LINEAR, step: 0.1 } };
  }),
);

/** Names that every JavaScript object has a value for, which is none of a configuration's. */
const bornNames = ["toString", "constructor", "valueOf", "hasOwnProperty"];

/** Small spaces, some of whose parameters hang on the first value of an earlier one. */
const spaces = fc.array(fc.record({ domain: discrete, on: fc.option(fc.nat(3)) }), { minLength: 1, maxLength: 4 }).map((all) => {
  const parameters: Parameter[] = [];
  for (const [at, { domain, on }] of all.entries()) {
    const other = on === null || at === 0 ? undefined : parameters[on % at];
    const when = other && { parameter: other.name, equals: [valuesOf(other)[0]] };
    parameters.push({ name: bornNames[at] ?? "", domain, when });
  }
  return createSpace(parameters);
});
const keyOf = (configuration: Configuration) => JSON.stringify(configuration);

test("a finite space is gone through without a repeat, and a trial depends on seed and number alone", () => {
  fc.assert(
    fc.property(spaces, fc.constantFrom(...samplerNames), fc.nat(1000), (space, name, seed) => {
      const sampler = createDistinctSampler(name, space);
      assert.equal(sampler.trials, space.size);
      const all = Array.from({ length: sampler.trials }, (_, trial) => sampler.at(trial, createRng(seed)));
      for (const one of all) assert.deepEqual(space.check(one), []);
      assert.equal(new Set(all.map(keyOf)).size, space.size);
      const late = createDistinctSampler(name, space);
      late.at(0, createRng(seed + 1));
      const trial = space.size - 1;
      assert.deepEqual(late.at(trial, createRng(seed)), all[trial], "asked alone, and after another seed");
    }),
    { numRuns: 60 },
  );
});

test("configurations that come first are tried once, and repeats among them are their owner's", () => {
  const space = createSpace([
    { name: "n", domain: { $case: "int", value: { min: 1, max: 4, scale: Scale.SCALE_LINEAR } }, when: undefined },
  ]);
  const first = [{ n: 3 }, { n: 3 }, { n: 1 }];
  const sampler = createDistinctSampler("random", space, first);
  assert.equal(sampler.trials, 5);
  const all = Array.from({ length: 5 }, (_, trial) => sampler.at(trial, createRng(1)).n);
  assert.deepEqual(all.slice(0, 3), [3, 3, 1]);
  assert.deepEqual(all.slice(3).sort(), [2, 4]);
});

test("initial values come first, and a space too large to remember has no end", () => {
  const n: Parameter = {
    name: "n",
    domain: { $case: "int", value: { min: 1, max: 9, scale: Scale.SCALE_LINEAR } },
    initial: 7,
    when: undefined,
  };
  for (const name of samplerNames) assert.deepEqual(createDistinctSampler(name, createSpace([n])).at(0, createRng(3)), { n: 7 });
  const wide = { min: 1, max: distinctConfigurationsMax + 1, scale: Scale.SCALE_LINEAR };
  assert.equal(distinctTrials(createSpace([{ ...n, domain: { $case: "int", value: wide } }])), Number.POSITIVE_INFINITY);
  assert.equal(distinctTrials(createSpace([{ ...n, domain: { $case: "int", value: { ...wide, max: 65_536 } } }])), 65_536);
  assert.equal(distinctTrials(createSpace([])), Number.POSITIVE_INFINITY);
});

test("of a space that is too large, the first trials are those that are given, and the others are sampled by their own numbers", () => {
  const x: Parameter = {
    name: "x",
    domain: { $case: "double", value: { min: 0, max: 1, scale: Scale.SCALE_LINEAR } },
    when: undefined,
  };
  const space = createSpace([x]);
  for (const name of samplerNames) {
    const [given, plain] = [createDistinctSampler(name, space, [{ x: 0.25 }, { x: 0.25 }]), createSampler(name, space)];
    assert.equal(given.trials, Number.POSITIVE_INFINITY);
    const all = [0, 1, 2, 3].map((trial) => given.at(trial, createRng(1)));
    assert.deepEqual(all, [{ x: 0.25 }, { x: 0.25 }, plain(2, createRng(1)), plain(3, createRng(1))]);
  }
});

test("a configuration is found by the number that it has", () => {
  fc.assert(
    fc.property(spaces, fc.nat(), (space, pick) => {
      const numbered = numberedConfigurations(space.parameters, valuesOf);
      assert.equal(numbered.size, space.size);
      const index = pick % numbered.size;
      assert.equal(numbered.indexOf(numbered.at(index)), index);
      assert.equal(numbered.indexOf({}), undefined);
      for (const outside of [-1, numbered.size]) assert.throws(() => numbered.at(outside), /there is no number/);
    }),
  );
});
