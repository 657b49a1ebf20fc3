/** Conformance suite of the settings of optimizers and learning-rate schedules. */
import assert from "node:assert/strict";
import { rangeOf, type TrainingPartSpec } from "../core/index.js";

/** Every option is a setting with a default and a range, and the part takes every value of the range. */
export function checkSettings({ name, options, settings }: TrainingPartSpec): void {
  const given = options.parse({});
  assert.ok(typeof given === "object" && given !== null, `${name} has options`);
  assert.deepEqual(
    settings.map(({ parameter, fallback }) => [parameter.name, fallback]),
    Object.entries(given),
  );
  for (const { parameter, schema, inside } of settings) {
    const range = rangeOf(parameter);
    assert.ok(range !== undefined, `${parameter.name} of ${name} is a number`);
    for (const end of [range.min, range.max])
      assert.ok(schema.safeParse(end).success, `${parameter.name} of ${name} takes ${end}, an end of its range`);
    assert.equal(inside, false, `${parameter.name} of ${name} acts on steps, and no hypergradient moves it`);
  }
}
