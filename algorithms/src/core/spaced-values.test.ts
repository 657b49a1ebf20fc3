/** Values for grids: exact ends, rising, inside, and written as a person would have written them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Parameter, Scale } from "@regulus/proto";
import fc from "fast-check";
import { valueFromUnit } from "./domain.js";
import { spacedValues } from "./spaced-values.js";

const double = (min: number, max: number, scale: Scale = Scale.SCALE_LINEAR): Parameter => {
  return { name: "x", domain: { $case: "double", value: { min, max, scale } }, when: undefined };
};
const int = (min: number, max: number, scale: Scale = Scale.SCALE_LINEAR): Parameter => {
  return { name: "x", domain: { $case: "int", value: { min, max, scale } }, when: undefined };
};

/** Ranges out to what a double and a safe integer hold. */
const any = { noNaN: true, noDefaultInfinity: true };
const pairOf = <T extends number>(ends: fc.Arbitrary<T>) =>
  fc.tuple(ends, ends).map(([a, b]) => (a < b ? [a, b] : [b, a]) as [T, T]);
const ranges = fc.oneof(
  pairOf(fc.double(any)).map(([min, max]) => double(min, max)),
  pairOf(fc.double({ ...any, min: 5e-324 })).map(([min, max]) => double(min, max, Scale.SCALE_LOG)),
  pairOf(fc.double({ ...any, min: 1e-300, max: 1 - 1e-16 })).map(([min, max]) => double(min, max, Scale.SCALE_LOGIT)),
  pairOf(fc.maxSafeInteger()).map(([min, max]) => int(min, max)),
  pairOf(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })).map(([min, max]) => int(min, max, Scale.SCALE_LOG)),
);

function ends(parameter: Parameter): readonly [number, number] {
  const { domain } = parameter;
  assert.ok(domain?.$case === "double" || domain?.$case === "int");
  return [domain.value.min, domain.value.max];
}

test("spaced values begin and end where the range does, rise, and stay inside, however far out it lies", () => {
  fc.assert(
    fc.property(ranges, fc.integer({ min: 2, max: 40 }), (parameter, count) => {
      const [min, max] = ends(parameter);
      fc.pre(min < max);
      const values = spacedValues(parameter, count).map(Number);
      assert.ok(values.length <= count);
      assert.deepEqual([values[0], values.at(-1)], [min, max]);
      for (const [at, value] of values.entries()) {
        assert.ok(Number.isFinite(value) && value >= min && value <= max, `${value}`);
        if (at > 0) assert.ok(value > (values[at - 1] ?? 0), `${value} after ${values[at - 1]}`);
        if (parameter.domain?.$case === "int") assert.ok(Number.isSafeInteger(value));
      }
    }),
    { numRuns: 2000 },
  );
});

test("a draw from any point of the unit interval lies in its range", () => {
  fc.assert(
    fc.property(ranges, fc.double({ min: 0, max: 1, noNaN: true }), (parameter, unit) => {
      const [min, max] = ends(parameter);
      const value = Number(valueFromUnit(parameter, unit));
      assert.ok(value >= min && value <= max, `${value}`);
    }),
    { numRuns: 2000 },
  );
});

test("decades, tenths and powers of two are written as a person would write them", () => {
  assert.deepEqual(spacedValues(double(1e-5, 10, Scale.SCALE_LOG), 7), [1e-5, 1e-4, 1e-3, 0.01, 0.1, 1, 10]);
  assert.deepEqual(spacedValues(double(1e-300, 1e-290, Scale.SCALE_LOG), 3), [1e-300, 1e-295, 1e-290]);
  assert.deepEqual(spacedValues(double(0.1, 0.9, Scale.SCALE_LOGIT), 3), [0.1, 0.5, 0.9]);
  assert.deepEqual(spacedValues(double(0, 1), 11), [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]);
  assert.deepEqual(spacedValues(double(-1, 1), 21).map(Number).slice(7, 14), [-0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3]);
  assert.deepEqual(spacedValues(double(-1.7e308, 1.7e308), 3), [-1.7e308, 0, 1.7e308]);
  assert.deepEqual(spacedValues(int(16, 256, Scale.SCALE_LOG), 5), [16, 32, 64, 128, 256]);
  assert.deepEqual(spacedValues(int(-(2 ** 53 - 1), 2 ** 53 - 1), 3), [-(2 ** 53 - 1), 0, 2 ** 53 - 1]);
  assert.deepEqual(spacedValues(int(7, 7), 5), [7]);
  assert.deepEqual(spacedValues(double(0.001, 0.1, Scale.SCALE_LOG), 1), [0.01]);
  for (let decades = 2; decades <= 60; decades++) {
    const values = spacedValues(double(Number(`1e-${decades}`), 1, Scale.SCALE_LOG), decades + 1);
    assert.deepEqual(
      values,
      Array.from({ length: decades + 1 }, (_, at) => Number(`1e${at - decades}`)),
    );
  }
});
