/** The share of words that is dropped, and that a dropped word is gone everywhere. */
import assert from "node:assert/strict";
import { it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { passOf } from "../../conformance/one-technique.js";
import { createRng } from "../../core/index.js";
import { chooseBackend } from "../../kernels/index.js";
import { PlainLayers } from "../../training/network/plain-layers.js";
import { TensorNetwork, tensorOf } from "../../training/network/tensor-network.js";
import { ParameterStore } from "../../training/state/parameter-store.js";
import { module } from "./embedding-dropout.js";

await chooseBackend("cpu");

const vocabulary = 4000;
for (const seed of [1, 2, 3])
  it(`drops its share of words, everywhere in the batch, seed ${seed}`, () => {
    const store = new ParameterStore(createRng(seed));
    tf.tidy(() => {
      const rate = 0.25;
      const pass = passOf(module.create({}), 2, { embeddingDropout: [rate] }, seed);
      const tokens = tf.tile(tf.reshape(tf.range(0, vocabulary, 1, "int32"), [1, vocabulary]), [2, 1]);
      const options = { vocabulary, units: 3 };
      const whole = tensorOf(new TensorNetwork(new PlainLayers(store)).embedding("words", tokens, options)).dataSync();
      const seen = tensorOf(new TensorNetwork(new PlainLayers(store), pass).embedding("words", tokens, options)).dataSync();
      let dropped = 0;
      for (let word = 0; word < vocabulary; word++) {
        const factors = [0, 1, 2].map((unit) => (seen[3 * word + unit] ?? 9) / (whole[3 * word + unit] ?? 9));
        const gone = factors[0] === 0;
        if (gone) dropped++;
        for (const factor of factors) assert.ok(Math.abs(factor - (gone ? 0 : 1 / (1 - rate))) < 1e-6, "the row as a whole");
      }
      // Four standard errors of four thousand draws.
      assert.ok(Math.abs(dropped / vocabulary - rate) <= 4 * Math.sqrt((rate * (1 - rate)) / vocabulary), `${dropped}`);
      assert.deepEqual(seen.slice(0, 3 * vocabulary), seen.slice(3 * vocabulary), "both examples lose the same words");
    });
    store.dispose();
  });

it("leaves recurrent weights alone, and everything at rate 0", () => {
  const at = (rate: number) => passOf(module.create({}), 4, { embeddingDropout: [rate] });
  assert.equal(at(0.5).maskOf({ name: "lstm", kind: "recurrent", shape: [9, 36] }), undefined);
  assert.equal(at(0).maskOf({ name: "words", kind: "embedding", shape: [9, 1] }), undefined);
});
