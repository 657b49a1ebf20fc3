/** Values for grids: exact ends, rising, inside, and written as a person would have written them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Parameter, Scale, valueFromUnit } from "@regulus/proto";
import fc from "fast-check";
import { shortest, spacedValues, ulpOf } from "./spaced-values.js";

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

test("a range of decimals that is split into tenths, twentieths or eighths has the decimals that a person would work out", () => {
  const parts = fc.constantFrom(2, 4, 5, 8, 10, 16, 20, 25, 40, 50);
  fc.assert(
    fc.property(
      fc.integer({ min: -999, max: 999 }),
      fc.integer({ min: 1, max: 999 }),
      fc.constantFrom(1, 10, 100, 1000),
      parts,
      (low, width, scale, count) => {
        const values = spacedValues(double(low / scale, (low + width) / scale), count + 1);
        // Whole numbers are exact, and a quotient of two is the nearest double.
        const expected = Array.from({ length: count + 1 }, (_, at) => (low * count + at * width) / (scale * count) + 0);
        assert.deepEqual(values, expected);
      },
    ),
    { numRuns: 2000 },
  );
});

/** The next greater double, by its bits. */
function nextAfter(value: number): number {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  bits.setBigUint64(0, bits.getBigUint64(0) + 1n);
  return bits.getFloat64(0);
}

test("a unit in the last place is the distance to the next double, up to the one below a power of two", () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, min: 5e-324, max: 1.7e308 }), fc.boolean(), (value, isNegative) => {
      const distance = nextAfter(value) - value;
      const found = ulpOf(isNegative ? -value : value);
      // A logarithm that is rounded up to a whole number takes the power of two for the number below it.
      assert.ok(
        found === distance || (found === 2 * distance && Math.log2(value) % 1 === 0),
        `${found} and ${distance} at ${value}`,
      );
    }),
    { numRuns: 2000 },
  );
  assert.deepEqual([ulpOf(0), ulpOf(5e-324), ulpOf(1), ulpOf(2 ** 52), ulpOf(0.75)], [5e-324, 5e-324, 2 ** -52, 1, 2 ** -53]);
  assert.throws(() => ulpOf(Number.POSITIVE_INFINITY), /a finite number/);
});

test("the shortest number is within the error, and none with fewer digits is", () => {
  const digitsOf = (value: number) => (value === 0 ? 0 : value.toExponential().replace(/e.*|\D/g, "").length);
  fc.assert(
    fc.property(
      fc.double({ noNaN: true, min: 1e-9, max: 1e9 }),
      fc.double({ min: -17, max: -1, noNaN: true }),
      (size, exponent) => {
        for (const value of [size, -size]) {
          const error = size * 10 ** exponent;
          const found = shortest(value, error);
          assert.ok(Math.abs(found - value) <= Math.max(error, 2 * ulpOf(value)), `${found} for ${value}`);
          const shorter = Number(value.toPrecision(Math.max(1, Math.min(10, digitsOf(found) - 1))));
          if (digitsOf(shorter) < digitsOf(found))
            assert.ok(Math.abs(shorter - value) > error, `${shorter} is shorter than ${found}`);
        }
      },
    ),
  );
  assert.equal(shortest(1e-12, 1e-11), 0, "what may be zero is zero");
  assert.equal(shortest(-1e-12, 1e-11), 0);
  assert.equal(shortest(1.00000000001, 1e-9), 1);
  // Of more than ten digits only rounding is taken back, however great the error may be.
  assert.equal(shortest(0.123456789012, 1e-15), 0.123456789012);
  assert.equal(shortest(0.1234567890503, 1e-12), 0.1234567890503);
  assert.equal(shortest(0.1234567890003, 1e-12), 0.123456789);
  assert.equal(shortest(0.1 + 0.2, 1e-17), 0.3, "one unit in the last place off");
});

test("values of lists are spread from the first to the last, and one is the middle", () => {
  const choices = (count: number): Parameter => ({
    name: "x",
    domain: { $case: "categorical", value: { choices: Array.from({ length: count }, (_, at) => `c${at}`) } },
    when: undefined,
  });
  assert.deepEqual(spacedValues(choices(9), 3), ["c0", "c4", "c8"]);
  assert.deepEqual(spacedValues(choices(4), 3), ["c0", "c2", "c3"]);
  assert.deepEqual(spacedValues(choices(9), 1), ["c4"]);
  assert.deepEqual(spacedValues(choices(4), 1), ["c1"]);
  assert.deepEqual(spacedValues(choices(3), 3), ["c0", "c1", "c2"]);
  assert.deepEqual(spacedValues(choices(3), 9), ["c0", "c1", "c2"]);
  assert.deepEqual(spacedValues({ name: "x", domain: { $case: "boolean", value: {} }, when: undefined }, 5), [false, true]);
  assert.deepEqual(spacedValues(int(0, 9), 1), [5], "a whole number too");
  assert.deepEqual(spacedValues(int(0, 10), 3), [0, 5, 10]);
  assert.deepEqual(spacedValues(int(3, 5), 3), [3, 4, 5], "all of them, on whatever scale");
  assert.deepEqual(spacedValues(double(0, 1), 2), [0, 1]);
});
