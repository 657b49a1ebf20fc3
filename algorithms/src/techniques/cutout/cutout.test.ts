/** Numbers of blanked pixels and where they lie, against counting; whole numbers by floor. */
import assert from "node:assert/strict";
import { it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { passOf } from "../../conformance/one-technique.js";
import { chooseBackend } from "../../kernels/index.js";
import { TrialFailure } from "../../training/contracts/procedure.js";
import { module } from "./cutout.js";

await chooseBackend("cpu");

const [height, width] = [10, 12];
const cut = (lengths: number[], holes: number[], batch: number, seed: number) =>
  tf.tidy(() => {
    const pass = passOf(module.create({}), batch, { cutoutLength: lengths, cutoutHoles: holes }, seed);
    return tf.reshape<tf.Rank.R4>(pass.inputs(tf.ones([batch, height, width, 2])), [batch, height, width, 2]).arraySync();
  });

/** Expected share of an axis that one hole of a length covers, its middle uniform and its outside lost. */
function covered(length: number, side: number): number {
  const before = Math.floor(length / 2);
  const places = Array.from({ length: side }, (_, at) => Math.min(side, at - before + length) - Math.max(0, at - before));
  return places.reduce((sum, place) => sum + place, 0) / side ** 2;
}

for (const seed of [1, 2, 3])
  it(`blanks one square of each example's own side, seed ${seed}`, () => {
    const batch = 600;
    const lengths = Array.from({ length: batch }, (_, row) => (row < 200 ? 0 : row < 400 ? 3 : 6.9));
    const images = cut(lengths, [1], batch, seed);
    const blanks = images.map((image) =>
      image.flatMap((line, y) => line.flatMap(([a, b], x) => (a === 0 && b === 0 ? [[y, x] as const] : []))),
    );
    assert.ok(blanks.slice(0, 200).every((blank) => blank.length === 0));
    for (const [from, length] of [
      [200, 3],
      [400, 6],
    ] as const) {
      const group = blanks.slice(from, from + 200);
      for (const blank of group) {
        const [rows, columns] = [0, 1].map((axis) => new Set(blank.map((place) => place[axis])).size);
        assert.ok(
          (rows ?? 9) <= length && (columns ?? 9) <= length && blank.length === (rows ?? 0) * (columns ?? 0),
          "a rectangle",
        );
      }
      const mean = group.reduce((sum, blank) => sum + blank.length, 0) / 200;
      const expected = covered(length, height) * covered(length, width) * height * width;
      const deviation = Math.sqrt(group.reduce((sum, blank) => sum + (blank.length - mean) ** 2, 0) / 199);
      assert.ok(Math.abs(mean - expected) <= (4 * deviation) / Math.sqrt(200), `${mean} for ${expected}: four standard errors`);
    }
  });

it("makes as many holes as it is told", () => {
  const batch = 400;
  const blanked = (holes: number) =>
    cut([1], [holes], batch, 5)
      .flat(2)
      .filter(([value]) => value === 0).length / batch;
  // n single pixels among 120 leave 120 (1 - 1/120)^n; their number has a variance below n (n - 1) / 240, so that 0.05 is above four errors.
  for (const holes of [1, 2.99, 4]) {
    const count = Math.floor(holes);
    assert.ok(Math.abs(blanked(holes) - 120 * (1 - (1 - 1 / 120) ** count)) < 0.05, `${holes}`);
  }
});

it("does nothing at 0, and refuses what is not an image", () => {
  tf.tidy(() => {
    const images = tf.ones([2, 4, 4, 1]);
    for (const values of [
      { cutoutLength: [0, 0], cutoutHoles: [3] },
      { cutoutLength: [3], cutoutHoles: [0] },
    ])
      assert.equal(passOf(module.create({}), 2, values).inputs(images), images);
    const pass = passOf(module.create({}), 2, { cutoutLength: [3], cutoutHoles: [1] });
    assert.throws(() => pass.inputs(tf.ones([2, 4])), TrialFailure);
  });
});
