/** The space's unit cube: ways there and back, cells of equal width, conditions, sizes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { cellCount, type Parameter, rangeOf, Scale, unitFromValue, valueFromUnit } from "@regulus/proto";
import fc from "fast-check";
import { createSpace, initialOf, valuesOf } from "./create-space.js";
import { createRng } from "./keyed-rng.js";

const double = (name: string, min: number, max: number, scale: Scale = Scale.SCALE_LINEAR): Parameter => {
  return { name, domain: { $case: "double", value: { min, max, scale } }, when: undefined };
};
const int = (name: string, min: number, max: number, scale: Scale = Scale.SCALE_LINEAR): Parameter => {
  return { name, domain: { $case: "int", value: { min, max, scale } }, when: undefined };
};
const choice = (name: string, choices: readonly (string | number)[]): Parameter => {
  return { name, domain: { $case: "categorical", value: { choices: [...choices] } }, when: undefined };
};
const boolean = (name: string): Parameter => ({ name, domain: { $case: "boolean", value: {} }, when: undefined });

const steppedInt = (min: number, max: number, step: number): Parameter["domain"] => {
  return { $case: "int", value: { min, max, scale: Scale.SCALE_LINEAR, step } };
};

const unit = fc.double({ min: 0, max: 1, noNaN: true });
/** Doubles of every scale. */
const doubles = fc.oneof(
  fc
    .tuple(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.double({ min: 1e-3, max: 1e6, noNaN: true }))
    .map(([min, width]) => double("x", min, min + width)),
  fc
    .tuple(fc.double({ min: -20, max: 20, noNaN: true }), fc.double({ min: 0.1, max: 10, noNaN: true }))
    .map(([low, width]) => double("x", Math.exp(low), Math.exp(low + width), Scale.SCALE_LOG)),
  fc
    .tuple(fc.double({ min: 1e-6, max: 0.5, noNaN: true }), fc.double({ min: 0.01, max: 0.499, noNaN: true }))
    .map(([min, width]) => double("x", min, min + width, Scale.SCALE_LOGIT)),
);
/** Everything with countable values. */
const discretes = fc.oneof(
  fc.tuple(fc.integer({ min: -1000, max: 1000 }), fc.nat(3000)).map(([min, width]) => int("x", min, min + width)),
  fc.tuple(fc.integer({ min: 1, max: 1000 }), fc.nat(3000)).map(([min, width]) => int("x", min, min + width, Scale.SCALE_LOG)),
  fc.integer({ min: 1, max: 50 }).map((count) =>
    choice(
      "x",
      Array.from({ length: count }, (_, at) => `c${at}`),
    ),
  ),
  fc.constant(boolean("x")),
  fc
    .record({ min: fc.integer({ min: -50, max: 50 }), step: fc.integer({ min: 1, max: 9 }), more: fc.nat(80) })
    .map(({ min, step, more }): Parameter => ({ ...int("x", 0, 1), domain: steppedInt(min, min + step + more, step) })),
);

test("a real number goes to the cube and comes back", () => {
  fc.assert(
    fc.property(doubles, unit, (parameter, at) => {
      const value = valueFromUnit(parameter, at);
      const again = unitFromValue(parameter, value);
      // Coordinates lose what values far from zero can't hold: a width of 1e-3 at 1e6 leaves 7 digits.
      assert.ok(Math.abs(again - at) < 1e-6, `${at} came back as ${again}`);
      assert.deepEqual(createSpace([parameter]).check({ x: value }), []);
    }),
  );
});

test("every value of a countable domain goes to the middle of its cell and comes back", () => {
  fc.assert(
    fc.property(discretes, unit, (parameter, at) => {
      const value = valueFromUnit(parameter, at);
      assert.equal(valueFromUnit(parameter, unitFromValue(parameter, value)), value);
      assert.deepEqual(createSpace([parameter]).check({ x: value }), []);
    }),
  );
});

test("the ends of the cube are the ends of the domain", () => {
  fc.assert(
    fc.property(fc.oneof(doubles, discretes), (parameter) => {
      const { domain } = parameter;
      const [low, high] = [valueFromUnit(parameter, 0), valueFromUnit(parameter, 1)];
      if (domain?.$case === "double" || domain?.$case === "int") {
        assert.ok(Math.abs(Number(low) - domain.value.min) <= 1e-12 * Math.abs(domain.value.min));
        // The last step may end before the range does.
        const rest = domain.value.step === undefined ? 0 : (domain.value.max - domain.value.min) % domain.value.step;
        assert.ok(Math.abs(Number(high) - (domain.value.max - rest)) <= 1e-12 * Math.abs(domain.value.max));
      } else assert.ok(cellCount(parameter) === 1 || low !== high);
    }),
  );
});

test("whole numbers have cells of equal width, the ends included; on a log scale of width log(1 + 1/v)", () => {
  const points = 100_000;
  const count = (parameter: Parameter) => {
    const seen = new Map<unknown, number>();
    for (let at = 0; at < points; at++) {
      const value = valueFromUnit(parameter, (at + 0.5) / points);
      seen.set(value, (seen.get(value) ?? 0) + 1);
    }
    return seen;
  };
  // A grid of points misses a cell's width by at most one point at each of its two ends.
  for (const seen of count(int("x", -3, 3)).values()) assert.ok(Math.abs(seen - points / 7) <= 2);
  for (const [value, seen] of count(int("x", 1, 100, Scale.SCALE_LOG))) {
    const share = Math.log1p(1 / Number(value)) / Math.log(101);
    assert.ok(Math.abs(seen - points * share) <= 2, `${value} was seen ${seen} times`);
  }
});

test("ranges as wide as numbers go do not overflow", () => {
  const wide = double("x", -1.7e308, 1.7e308);
  assert.ok(Number.isFinite(valueFromUnit(wide, 0.75)));
  assert.ok(Math.abs(unitFromValue(wide, 0.85e308) - 0.75) < 1e-12);
});

const conditional = [
  choice("optimizer", ["sgd", "adam"]),
  { ...int("momentumTenths", 0, 9), when: { parameter: "optimizer", equals: ["sgd"] } },
  { ...boolean("nesterov"), when: { parameter: "momentumTenths", equals: [8, 9] } },
  { ...int("beta", 1, 3), when: { parameter: "optimizer", equals: ["adam"] } },
  boolean("bias"),
];

test("a parameter is there exactly while its condition holds, and so on down the chain", () => {
  const space = createSpace(conditional);
  const rng = createRng(1);
  const seen = new Set<string>();
  for (let draw = 0; draw < 5000; draw++) {
    const point = new Float64Array(5);
    rng.fillUniform(point);
    const configuration = space.fromUnit(point);
    assert.deepEqual(space.check(configuration), []);
    assert.equal("momentumTenths" in configuration, configuration.optimizer === "sgd");
    assert.equal("nesterov" in configuration, Number(configuration.momentumTenths ?? 0) >= 8);
    assert.equal(space.isActive("beta", configuration), configuration.optimizer === "adam");
    assert.deepEqual(space.fromUnit(space.toUnit(configuration)), configuration);
    seen.add(JSON.stringify(configuration));
  }
  // sgd: 8 momenta alone, 2 with either nesterov; adam: 3 betas; each with and without bias.
  assert.equal(space.size, (8 + 2 * 2 + 3) * 2);
  assert.equal(seen.size, space.size);
  assert.equal(createSpace([...conditional, double("x", 0, 1)]).size, Number.POSITIVE_INFINITY);
});

test("a condition on a list holds for every list of the same values, and for no other", () => {
  const layers: Parameter = {
    name: "layers",
    domain: { $case: "categorical", value: { choices: [null, [64, 32], [64]] } },
    when: undefined,
  };
  const space = createSpace([layers, { ...double("rate", 0, 1), when: { parameter: "layers", equals: [[64, 32]] } }]);
  assert.deepEqual(space.fromUnit([0.5, 0.25]), { layers: [64, 32], rate: 0.25 });
  assert.deepEqual(space.fromUnit([0.9, 0.25]), { layers: [64] });
  assert.deepEqual(
    [[64, 32], [32, 64], [64], "64,32", null].map((value) => space.isActive("rate", { layers: value })),
    [true, false, false, false, false],
  );
  assert.deepEqual(space.check({ layers: [64, 32], rate: 1 }), []);
  assert.equal(space.check({ layers: [64, 32] }).length, 1);
});

test("what is wrong with a configuration is said with a message", () => {
  const space = createSpace([...conditional, double("x", 0, 1)]);
  const problems = space.check({ optimizer: "adam", momentumTenths: 3, beta: 2.5, x: Number.NaN, bios: true });
  assert.deepEqual(problems, [
    "bios: is not a parameter of the space",
    "momentumTenths: has a value, and its condition on optimizer does not hold",
    "beta: saw 2.5, expected a whole number from 1 to 3",
    "bias: has no value",
    "x: saw NaN, expected a number from 0 to 1",
  ]);
});

test("initial values: all of them make the initial configuration, some of them begin a search", () => {
  const all = createSpace([
    { ...double("x", 0, 1), initial: 0.05 },
    { ...boolean("y"), initial: false },
  ]);
  assert.deepEqual(all.initial, { x: 0.05, y: false });
  const some = createSpace([{ ...double("x", 0, 1), initial: 0.05 }, int("n", 0, 9)]);
  assert.equal(some.initial, undefined);
  assert.deepEqual(some.startFrom([0.9, 0.35]), { x: 0.05, n: 3 });
});

test("a point of another space is a bug, and so is one outside the cube", () => {
  const space = createSpace([double("x", 0, 1)]);
  assert.throws(() => space.fromUnit([0.1, 0.2]), /1 coordinates, not 2/);
  assert.throws(() => space.fromUnit([Number.NaN]), /from 0 to 1/);
});

test("a list of values has a cell for each, and the top of the cube belongs to the last", () => {
  const stepped: Parameter = {
    name: "x",
    domain: { $case: "double", value: { min: 0, max: 1, scale: Scale.SCALE_LINEAR, step: 0.25 } },
    when: undefined,
  };
  for (const parameter of [choice("x", ["a", "b", "c", "d", "e"]), stepped]) {
    assert.equal(cellCount(parameter), 5);
    const values = [0, 0.2, 0.4, 0.6, 0.8].map((at) => valueFromUnit(parameter, at));
    assert.deepEqual(
      [0.19, 0.39, 0.59, 0.79, 1].map((at) => valueFromUnit(parameter, at)),
      values,
    );
    assert.equal(new Set(values).size, 5);
    assert.deepEqual(
      values.map((value) => unitFromValue(parameter, value)),
      [0.1, 0.3, 0.5, 0.7, 0.9],
    );
  }
  assert.deepEqual(
    [0, 0.49, 0.5, 1].map((at) => valueFromUnit(boolean("x"), at)),
    [false, false, true, true],
  );
  assert.deepEqual(
    [false, true].map((value) => unitFromValue(boolean("x"), value)),
    [0.25, 0.75],
  );
  assert.deepEqual([rangeOf(stepped), rangeOf(boolean("x"))], [undefined, undefined], "a list has no axis");
});

test("whole numbers with a step are those that the step reaches, each with a cell", () => {
  const parameter: Parameter = { ...int("x", 0, 1), domain: steppedInt(8, 70, 16) };
  assert.equal(cellCount(parameter), 4);
  assert.deepEqual(valuesOf(parameter), [8, 24, 40, 56]);
  assert.deepEqual(
    [0, 0.24, 0.25, 0.74, 0.75, 1].map((at) => valueFromUnit(parameter, at)),
    [8, 8, 24, 40, 56, 56],
  );
  assert.deepEqual(
    [8, 24, 40, 56].map((value) => unitFromValue(parameter, value)),
    [0.125, 0.375, 0.625, 0.875],
  );
  assert.equal(createSpace([parameter, boolean("y")]).size, 8);
  assert.equal(rangeOf(parameter), undefined);
});

test("a coordinate is where the value lies on its axis, whatever the scale", () => {
  const at = (parameter: Parameter, value: number) => Number(unitFromValue(parameter, value).toPrecision(12));
  assert.equal(at(double("x", 2, 6), 3), 0.25);
  assert.equal(at(double("x", 1e-4, 1, Scale.SCALE_LOG), 1e-3), 0.25);
  assert.equal(at(double("x", 0.1, 0.9, Scale.SCALE_LOGIT), 0.5), 0.5);
  assert.equal(
    at(double("x", 0.1, 0.9, Scale.SCALE_LOGIT), 0.75),
    Number((0.5 + 0.5 * (Math.log(3) / Math.log(9))).toPrecision(12)),
  );
  // Seven whole numbers from -3 to 3: the middle of the sixth of seven cells.
  assert.equal(at(int("x", -3, 3), 2), Number((5.5 / 7).toPrecision(12)));
  assert.equal(at(int("x", 1, 3, Scale.SCALE_LOG), 1), Number((Math.log(Math.SQRT2) / Math.log(4)).toPrecision(12)));
  assert.equal(at(double("x", 5, 5), 5), 0.5, "a single value is in the middle");
  assert.deepEqual([at(double("x", 2, 6), 1), at(double("x", 2, 6), 7)], [0, 1], "what lies outside counts as the end");
  assert.throws(() => valueFromUnit(double("x", 0, 1), 1.01), /from 0 to 1/);
  assert.throws(() => valueFromUnit(double("x", 0, 1), -0.01), /from 0 to 1/);
});

test("a parameter that is switched off lies in the middle of the cube, and names that are not there are bugs", () => {
  const space = createSpace(conditional);
  assert.deepEqual([...space.toUnit({ optimizer: "adam", beta: 3, bias: true })], [0.75, 0.5, 0.5, 2.5 / 3, 0.75]);
  assert.throws(() => space.isActive("gamma", {}), /gamma is a parameter/);
  assert.equal(space.isActive("nesterov", { momentumTenths: 8 }), true);
  assert.equal(space.isActive("nesterov", { momentumTenths: 7 }), false);
});

test("a null among the choices may be where a search starts, and elsewhere stands for no initial value", () => {
  const withNull: Parameter = {
    name: "x",
    domain: { $case: "categorical", value: { choices: [null, 1] } },
    initial: null,
    when: undefined,
  };
  assert.equal(initialOf(withNull), null);
  assert.deepEqual(createSpace([withNull]).initial, { x: null });
  assert.equal(initialOf({ ...choice("x", ["a"]), initial: null }), undefined);
  assert.equal(initialOf({ ...double("x", 0, 1), initial: null }), undefined);
  assert.equal(initialOf({ ...double("x", 0, 1), initial: 0 }), 0);
  assert.equal(initialOf(boolean("x")), undefined);
});

test("sizes count what conditions switch on, as an enumeration does", () => {
  const parameters = fc.array(fc.record({ count: fc.integer({ min: 1, max: 3 }), on: fc.nat(4), wants: fc.nat(3) }), {
    minLength: 1,
    maxLength: 5,
  });
  fc.assert(
    fc.property(parameters, (drawn) => {
      const all: Parameter[] = drawn.map(({ count, on, wants }, at) => {
        const when = on < at ? { parameter: `x${on}`, equals: [0, wants] } : undefined;
        return {
          ...choice(
            `x${at}`,
            Array.from({ length: count }, (_, value) => value),
          ),
          when,
        };
      });
      // Every way to give the parameters values in order, those whose condition does not hold left out.
      let ways: Record<string, number>[] = [{}];
      for (const [at, { count, on, wants }] of drawn.entries()) {
        ways = ways.flatMap((way) => {
          const parent = way[`x${on}`];
          const isActive = on >= at || parent === 0 || (parent !== undefined && parent === wants);
          return isActive ? Array.from({ length: count }, (_, value) => ({ ...way, [`x${at}`]: value })) : [way];
        });
      }
      const space = createSpace(all);
      assert.equal(space.size, ways.length);
      for (const way of ways) assert.deepEqual(space.check(way), []);
    }),
  );
});
