/** The documented example of a user's own module trains under both procedures, resumes exactly, learns, and is trained as its search says. */
import assert from "node:assert/strict";
import { resolve } from "node:path";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { RegulusError } from "@regulus/proto";
import { z } from "zod";
import { openCase, stepTo, type TrialCase } from "../../conformance/attempt.js";
import { chooseBackend } from "../../kernels/index.js";
import type { WorkloadModule } from "../contracts/workload.js";
import { loadWorkloadModule } from "./find-component.js";
import { openModule } from "./open-module.js";
import { modelKit } from "./trial-setup.js";

await chooseBackend("wasm");

const root = resolve(fileURLToPath(import.meta.url), "../../../../..");
const trial = {
  workload: resolve(root, "examples/module/two-moons.mjs"),
  techniques: ["dropout", "weight-decay"],
  untilStep: 200,
};

for (const [procedure, options] of [
  ["fit", {}],
  ["self-tune", { warmUpSteps: 50 }],
] as const) {
  it(`the example module learns under ${procedure}, and resumes exactly`, async () => {
    const one: TrialCase = { ...trial, procedure, options, parameters: { learningRate: 0.05 } };
    const whole = await openCase(one);
    await stepTo(whole, 100);
    const checkpoint = await whole.save();
    await stepTo(whole, 200);
    const measured = await whole.measure();
    whole.close();
    const resumed = await openCase(one, checkpoint);
    await stepTo(resumed, 200);
    assert.deepEqual(await resumed.measure(), measured);
    resumed.close();
    // Half of the points lie in each moon; measured 0.03 and 0.05.
    assert.ok((measured.metrics.testError ?? 1) < 0.12, `${measured.metrics.testError}`);
  });
}

const fit = { ...trial, procedure: "fit" };

async function lossOf(one: TrialCase): Promise<number> {
  const session = await openCase(one);
  try {
    await stepTo(session, 5);
    return (await session.measure()).metrics.validLoss ?? Number.NaN;
  } finally {
    session.close();
  }
}

it("every training setting moves the training of a module, the same as an option and in the space", async () => {
  const before = await lossOf(fit);
  const settings = {
    optimizer: "adam",
    batchSize: 7,
    learningRate: 0.2,
    momentum: 0.5,
    learningRateSchedule: "cosine",
  };
  for (const [name, value] of Object.entries(settings)) {
    const asOption = await lossOf({ ...fit, workloadOptions: { [name]: value } });
    assert.notEqual(asOption, before, name);
    assert.equal(await lossOf({ ...fit, parameters: { [name]: value } }), asOption, name);
  }
});

it("a training setting of a wrong value is refused with what would be right", async () => {
  const refused = (field: string) => (thrown: unknown) =>
    thrown instanceof RegulusError && thrown.message.includes(field) && thrown.message.includes("did you mean adam?");
  await assert.rejects(openCase({ ...fit, workloadOptions: { optimizer: "adamm" } }), refused("workload.options.optimizer"));
  await assert.rejects(openCase({ ...fit, parameters: { optimizer: "adamm" } }), refused("work.parameters.optimizer"));
});

it("names that a module does not read are told of once a trial", async () => {
  const said: string[] = [];
  const found = (_: string, message: string) => void said.push(message);
  const typos = { workloadOptions: { noise: 0.3, nois: 1 }, parameters: { learningRate: 0.1, learnignRate: 0.1 } };
  const session = await openCase({ ...fit, ...typos, found });
  const checkpoint = await session.save();
  session.close();
  (await openCase({ ...fit, ...typos, found }, checkpoint)).close();
  (await openCase({ ...fit, workloadOptions: { noise: 0.3, optimizer: "adam" }, found })).close();
  assert.deepEqual(said, ["the module two-moons.mjs did not read nois, learnignRate when it was opened; is the name right?"]);
});

it("a name that a module's spec declares is the module's", async () => {
  const plain = await loadWorkloadModule(trial.workload);
  const seen: unknown[] = [];
  const module: WorkloadModule<unknown> = {
    spec: { ...plain.spec, options: z.strictObject({ batchSize: z.string() }) },
    open: async (request) => {
      seen.push(request.options);
      return await plain.open({ ...request, options: {} });
    },
  };
  const given = { options: { batchSize: "all", optimizer: "adam" }, parameters: {}, seed: 1, kit: modelKit };
  const { task, unread } = await openModule(module, given);
  task.close();
  assert.deepEqual([seen, task.training.batchSize, task.training.optimizer, unread], [[{ batchSize: "all" }], 20, "adam", []]);
});
