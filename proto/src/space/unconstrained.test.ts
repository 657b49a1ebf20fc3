/** The unconstrained coordinate: there and back, its derivative against differences, its ends. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Parameter, Scale } from "../gen/regulus/v1/search.js";
import { unconstrainedMax, unconstrainedOf } from "./unconstrained.js";

const double = (min: number, max: number, scale: Scale): Parameter => {
  return { name: "x", domain: { $case: "double", value: { min, max, scale } }, when: undefined };
};
const int = (min: number, max: number, scale: Scale): Parameter => {
  return { name: "x", domain: { $case: "int", value: { min, max, scale } }, when: undefined };
};
const parameters = fc.constantFrom(
  double(0, 0.9, Scale.SCALE_LINEAR),
  double(-5, 1000, Scale.SCALE_LINEAR),
  double(1e-6, 1e-2, Scale.SCALE_LOG),
  double(0.01, 0.999, Scale.SCALE_LOGIT),
  int(0, 5, Scale.SCALE_LINEAR),
  int(1, 512, Scale.SCALE_LOG),
);
const coordinates = fc.double({ min: -unconstrainedMax, max: unconstrainedMax, noNaN: true });

test("a value comes back from its coordinate, and the coordinate from its value", () => {
  fc.assert(
    fc.property(parameters, coordinates, (parameter, at) => {
      const line = unconstrainedOf(parameter);
      const value = line.value(at);
      const again = line.value(line.coordinate(value));
      if (parameter.domain?.$case === "int") assert.equal(again, value);
      // Near the clip a coordinate holds 1e-3 of the range, and the value's 16 digits leave 12 of the coordinate's.
      else assert.ok(Math.abs(line.coordinate(value) - at) < 1e-9, `${at} came back as ${line.coordinate(value)}`);
    }),
  );
});

test("the derivative is that of differences", () => {
  fc.assert(
    fc.property(parameters, fc.double({ min: -6.9, max: 6.9, noNaN: true }), (parameter, at) => {
      const line = unconstrainedOf(parameter);
      const step = 1e-4;
      const difference = (line.smoothValue(at + step) - line.smoothValue(at - step)) / (2 * step);
      const derivative = line.derivative(at);
      // Central differences err by step^2 times the third derivative, here at most a few hundred times the first.
      assert.ok(
        Math.abs(difference - derivative) <= 1e-5 * Math.abs(derivative) + (1e-13 * line.range.max) / step,
        `${difference} and ${derivative}`,
      );
    }),
  );
});

test("every whole number is reached, the top one too", () => {
  for (const parameter of [int(0, 5, Scale.SCALE_LINEAR), int(1, 40, Scale.SCALE_LOG)]) {
    const line = unconstrainedOf(parameter);
    const reached = new Set<number>();
    for (let at = -7; at <= 7; at += 0.001) reached.add(line.value(at));
    assert.equal(reached.size, line.range.max - line.range.min + 1);
    assert.ok(reached.has(line.range.max));
  }
});

test("coordinates stop at the clip, and the ends of a range are there", () => {
  const line = unconstrainedOf(double(0, 0.9, Scale.SCALE_LINEAR));
  assert.equal(line.coordinate(0), -unconstrainedMax);
  assert.equal(line.coordinate(0.9), unconstrainedMax);
  assert.equal(line.value(100), line.value(unconstrainedMax));
  assert.equal(line.derivative(100), 0);
  for (const end of [-unconstrainedMax, unconstrainedMax]) assert.ok(line.derivative(end) > 0, "the clip itself can be left");
  assert.ok(line.value(7) > 0.899 && line.value(7) < 0.9);
  // sigmoid(0) is the middle of the axis: of logarithms where the scale is log.
  assert.ok(Math.abs(unconstrainedOf(double(1e-6, 1e-2, Scale.SCALE_LOG)).value(0) / 1e-4 - 1) < 1e-12);
});

test("only numbers have a coordinate", () => {
  assert.throws(() => unconstrainedOf({ name: "x", domain: { $case: "boolean", value: {} }, when: undefined }), /only numbers/);
});
