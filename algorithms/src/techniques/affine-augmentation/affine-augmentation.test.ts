/** Shifts, turns and scales in closed form on linear images, on both backends; and how far examples move. */
import assert from "node:assert/strict";
import { it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { passOf } from "../../conformance/one-technique.js";
import { onBoth, relativeGap } from "../../kernels/against-cpu.js";
import { chooseBackend } from "../../kernels/index.js";
import { TrialFailure } from "../../training/contracts/procedure.js";
import { inverseMap, module } from "./affine-augmentation.js";

await chooseBackend("wasm");

const [height, width] = [9, 11];
const middle = [(width - 1) / 2, (height - 1) / 2] as const;
/** An image whose value is its place: channel 0 holds x, channel 1 holds y. Bilinear resampling is exact on it. */
const places = (batch: number) => {
  const values = Float32Array.from({ length: batch * height * width * 2 }, (_, i) => {
    const pixel = Math.floor(i / 2) % (height * width);
    return i % 2 === 0 ? pixel % width : Math.floor(pixel / width);
  });
  return tf.tensor4d(values, [batch, height, width, 2]);
};

it("takes each pixel of the result from where the movement backwards leads", async () => {
  const movement = { right: 1.25, down: -0.5, angle: Math.PI / 9, scale: 1.2, middle };
  const { wasm, cpu } = await onBoth(() =>
    tf.image.transform(places(1), tf.tensor2d([...inverseMap(movement)], [1, 8]), "bilinear", "nearest"),
  );
  assert.ok(relativeGap(wasm, cpu) < 1e-6);
  let inside = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      // Forward: the result's pixel is middle + shift + scale R (source - middle). Backward, by complex numbers in doubles:
      const [dx, dy] = [x - middle[0] - movement.right, y - middle[1] - movement.down];
      const [cos, sin] = [Math.cos(-movement.angle) / movement.scale, Math.sin(-movement.angle) / movement.scale];
      const [fromX, fromY] = [middle[0] + cos * dx - sin * dy, middle[1] + sin * dx + cos * dy];
      if (fromX < 0 || fromX > width - 1 || fromY < 0 || fromY > height - 1) continue;
      inside++;
      const at = 2 * (y * width + x);
      // float32 of numbers up to 10.
      assert.ok(Math.abs((wasm[at] ?? 99) - fromX) < 1e-4 && Math.abs((wasm[at + 1] ?? 99) - fromY) < 1e-4, `${x}, ${y}`);
    }
  }
  assert.ok(inside > 50);
});

it("a turn of 90 degrees brings what stands right of the middle below it", () => {
  tf.tidy(() => {
    const image = tf.buffer([1, 3, 3, 1]);
    image.set(1, 0, 1, 2, 0);
    const map = inverseMap({ right: 0, down: 0, angle: Math.PI / 2, scale: 1, middle: [1, 1] });
    const turned = tf.image.transform(
      tf.reshape(image.toTensor(), [1, 3, 3, 1]),
      tf.tensor2d([...map], [1, 8]),
      "bilinear",
      "nearest",
    );
    for (const [i, value] of turned.dataSync().entries()) assert.ok(Math.abs(value - (i === 7 ? 1 : 0)) < 1e-6, `${i}: ${value}`);
  });
});

for (const seed of [1, 2, 3])
  it(`moves each example by up to its own strength, both ways, seed ${seed}`, () => {
    tf.tidy(() => {
      const batch = 400;
      const strengths = Array.from({ length: batch }, (_, row) => (row < 10 ? 0 : 0.2));
      const pass = passOf(module.create({}), batch, { translation: strengths, rotation: [0], zoom: [0] }, seed);
      const moved = pass.inputs(places(batch));
      const center = tf.slice(moved, [0, 4, 5, 0], [batch, 1, 1, 2]).dataSync();
      const shifts = Array.from({ length: batch }, (_, row) => 5 - (center[2 * row] ?? 0));
      // float32 of numbers up to 10.
      assert.ok(shifts.slice(0, 10).every((shift) => Math.abs(shift) < 1e-5));
      const others = shifts.slice(10);
      const most = 0.2 * width;
      assert.ok(others.every((shift) => Math.abs(shift) <= most + 1e-5));
      // A uniform number on [-most, most]: mean 0, variance most^2 / 3; four standard errors of 390 draws.
      const mean = others.reduce((sum, shift) => sum + shift, 0) / others.length;
      assert.ok(Math.abs(mean) < (4 * most) / Math.sqrt(3 * others.length), `${mean}`);
      assert.ok(Math.max(...others) > 0.95 * most && Math.min(...others) < -0.95 * most);
    });
  });

it("does nothing at strength 0, and refuses what is not an image", () => {
  tf.tidy(() => {
    const pass = passOf(module.create({}), 2, { translation: [0], rotation: [0], zoom: [0, 0] });
    const images = places(2);
    assert.equal(pass.inputs(images), images);
    assert.throws(() => pass.inputs(tf.zeros([2, 5])), TrialFailure);
  });
});
