/** Conformance suite of a probe: the metrics that its spec tells, the same each time; nothing changed and nothing left in memory. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as tf from "@tensorflow/tfjs";
import type { ProbeModule } from "../training/contracts/probe.js";
import { openCase, stepTo } from "./attempt.js";

const digits = { trainSize: 48, tuneSize: 32, validSize: 40, batchSize: 16, hiddenUnits: [8] };

/** Registers the suite with node's test runner. The backend is the caller's choice. */
export function describeProbe(module: ProbeModule<unknown>): void {
  const { name, options, metrics: told } = module.spec;
  describe(`probe ${name}`, () => {
    for (const procedure of ["fit", "self-tune"])
      it(`measures what it tells under ${procedure}, changes nothing and leaves nothing behind`, async () => {
        const trial = { procedure, workload: "mnist-mlp", workloadOptions: digits, techniques: ["dropout"] };
        const [plain, probed] = [await openCase(trial), await openCase({ ...trial, probes: [name] })];
        await stepTo(plain, 5);
        await stepTo(probed, 5);
        const own = (await plain.measure()).metrics;
        const { metrics } = await probed.measure();
        const added = Object.keys(metrics).filter((metric) => !(metric in own));
        assert.deepEqual(added.sort(), [...told(options.parse({}))].sort());
        for (const [metric, value] of Object.entries(own)) assert.equal(metrics[metric], value, metric);
        const before = tf.memory().numTensors;
        assert.deepEqual((await probed.measure()).metrics, metrics);
        assert.equal(tf.memory().numTensors, before);
        assert.deepEqual(await probed.save(), await plain.save());
        plain.close();
        probed.close();
      });
  });
}
