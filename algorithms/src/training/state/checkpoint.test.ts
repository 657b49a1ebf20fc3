/** Checkpoints come back bit for bit, and nothing but a whole one of ours is accepted. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { RegulusError } from "@regulus/proto";
import fc from "fast-check";
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from "./checkpoint.js";

const checkpoint: Checkpoint = {
  procedure: "fit",
  step: 12,
  seed: 2 ** 53 - 1,
  state: { coordinates: [0.1 + 0.2, -5e-324, 1.7976931348623157e308], nested: { names: ["a"] } },
  tensors: [
    { name: "dense/kernel", shape: [2, 3], values: Float32Array.of(1, -0, 1e-45, 3.4028234663852886e38, Number.NaN, -1 / 3) },
    { name: "none", shape: [0], values: new Float32Array(0) },
    { name: "scalar", shape: [], values: Float32Array.of(7) },
  ],
};

it("keeps floats, doubles and shapes exactly, at any offset of the bytes", () => {
  const bytes = encodeCheckpoint(checkpoint);
  for (const offset of [0, 1, 3]) {
    const moved = new Uint8Array(bytes.length + offset).subarray(offset);
    moved.set(bytes);
    assert.deepEqual(decodeCheckpoint(moved, "fit"), checkpoint);
  }
  // Node's own buffers lie in a pool of others, and slice without copying.
  assert.deepEqual(decodeCheckpoint(Buffer.from(bytes), "fit"), checkpoint);
});

it("refuses every shortened, lengthened or foreign sequence of bytes as damaged", () => {
  const bytes = encodeCheckpoint(checkpoint);
  const damaged = (error: unknown) => error instanceof RegulusError && error.code === "data-loss";
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => decodeCheckpoint(bytes.subarray(0, length), "fit"), damaged);
  }
  assert.throws(() => decodeCheckpoint(Uint8Array.of(...bytes, 0), "fit"), damaged);
  fc.assert(fc.property(fc.uint8Array(), (random) => void assert.throws(() => decodeCheckpoint(random, "fit"), damaged)));
});

it("refuses to write a number that JSON has no word for", () => {
  assert.throws(() => encodeCheckpoint({ ...checkpoint, state: { rate: Number.NaN } }), /finite/);
});
