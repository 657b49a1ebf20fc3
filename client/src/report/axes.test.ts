/** Axes that hold their values, and the band around a learned value. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Parameter, unconstrainedMax } from "@regulus/proto";
import fc from "fast-check";
import { shownSearches, valueAxis } from "./chart-frame.js";
import { courseCharts, progressCharts } from "./charts.js";
import { parallelCharts } from "./parallel-charts.js";
import { perturbed } from "./series.js";
import { measured } from "./testing/measured-rows.js";

test("a logarithmic axis ends at whole powers around its values, others are left to the chart", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 1e-8, max: 1e8, noNaN: true }), { minLength: 1, maxLength: 20 }), (values) => {
      const [low, high] = [Math.min(...values), Math.max(...values)];
      const axis = valueAxis([...values, Number.NaN, Infinity]);
      if (high < 100 * low) return assert.deepEqual(axis, { type: "value", scale: true });
      const { type, logBase, min, max } = axis as { type: string; logBase: number; min: number; max: number };
      assert.deepEqual([type, logBase], ["log", 10]);
      assert.ok(
        min <= low * (1 + 1e-9) && max >= high && low < 10.0001 * min && max < 10.0001 * high,
        `${min} to ${max} around ${low} to ${high}`,
      );
      for (const end of [min, max]) assert.ok(Math.abs(Math.log10(end) - Math.round(Math.log10(end))) < 1e-9);
    }),
  );
});

/** A parameter's axis as docs/bilevel and the coordinator have it, solved by bisection instead of by its inverse. */
function bandBySearch(parameter: Parameter, value: number, scale: number): [number, number] {
  const { domain } = parameter;
  assert.ok(domain?.$case === "double" || domain?.$case === "int");
  const whole = domain.$case === "int";
  const axis =
    { SCALE_LOG: Math.log, SCALE_LOGIT: (x: number) => Math.log(x) - Math.log1p(-x) }[domain.value.scale as string] ??
    ((x: number) => x);
  const [low, high] = [domain.value.min, domain.value.max + (whole ? 1 : 0)];
  const onLine = (coordinate: number) => {
    const share = (coordinate - axis(low)) / (axis(high) - axis(low));
    return Math.log(share / (1 - share));
  };
  const lambda = (x: number) => onLine(axis(x));
  const at = (wanted: number) => {
    let [a, b] = [low, high];
    for (let round = 0; round < 200; round += 1) {
      const middle = (a + b) / 2;
      if (lambda(middle) < wanted) a = middle;
      else b = middle;
    }
    return (a + b) / 2;
  };
  // A whole number stands in the middle of its cell on the axis, as training has it.
  const from = whole ? onLine((axis(value) + axis(value + 1)) / 2) : lambda(value);
  // Training keeps the coordinate within its clip, where a sigmoid still moves.
  const clip = (coordinate: number) => Math.min(unconstrainedMax, Math.max(-unconstrainedMax, coordinate));
  return [at(clip(clip(from) - scale)), at(clip(clip(from) + scale))];
}

test("the band around a learned value is one perturbation scale wide in the coordinate in which it was learned, on every kind of axis", () => {
  const kinds = fc.constantFrom(
    { $case: "double" as const, value: { min: -3, max: 5, scale: "SCALE_LINEAR" as const } },
    { $case: "double" as const, value: { min: 1e-5, max: 10, scale: "SCALE_LOG" as const } },
    { $case: "double" as const, value: { min: 0.02, max: 0.9, scale: "SCALE_LOGIT" as const } },
    { $case: "int" as const, value: { min: 2, max: 40, scale: "SCALE_LINEAR" as const } },
    { $case: "int" as const, value: { min: 1, max: 1000, scale: "SCALE_LOG" as const } },
  );
  fc.assert(
    fc.property(
      kinds,
      fc.double({ min: 0.05, max: 0.95, noNaN: true }),
      fc.double({ min: 0.01, max: 2, noNaN: true }),
      (domain, share, scale) => {
        const inside = domain.value.min + share * (domain.value.max - domain.value.min);
        const value = domain.$case === "int" ? Math.round(inside) : inside;
        const parameter: Parameter = { name: "x", domain, when: undefined };
        const [low, high] = perturbed(parameter, value, scale) ?? assert.fail();
        const [wantedLow, wantedHigh] = bandBySearch(parameter, value, scale);
        for (const [seen, wanted] of [
          [low, wantedLow],
          [high, wantedHigh],
        ] as const)
          assert.ok(Math.abs(seen - wanted) <= 1e-6 * Math.max(1e-3, Math.abs(wanted)), `${seen} for ${wanted}`);
      },
    ),
  );
});

test("every chart of an objective has the same kind of axis: logarithmic over decades of a loss, never for a score", () => {
  for (const [metric, direction, values, wanted] of [
    ["loss", "DIRECTION_MINIMIZE", [5, 0.01], "log"],
    ["loss", "DIRECTION_MINIMIZE", [5, 0.1], "value"],
    ["accuracy", "DIRECTION_MINIMIZE", [1, 0.001], "value"],
    ["reward", "DIRECTION_MAXIMIZE", [0.001, 1], "value"],
    ["reward", "DIRECTION_MAXIMIZE", [0.01, 50], "log"],
  ] as const) {
    const shown = shownSearches([measured(metric, direction, values)]);
    const axes = [...progressCharts(shown), ...courseCharts(shown)].map(({ option }) => option.yAxis);
    for (const { option } of parallelCharts(shown)) axes.push((option.parallelAxis as unknown[]).at(-1));
    assert.deepEqual(
      axes.map((axis) => (axis as { type: string }).type),
      [wanted, wanted, wanted, wanted],
      metric,
    );
  }
});
