/** What the demo says of two searches, from samples. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleSearch } from "../testing/sample-search.js";
import { demoNumbers, demoSentence, demoTable } from "./outcome.js";

const inside = sampleSearch({ seed: 1, strategy: "self-tuning-network", trials: 1, stepsPerTrial: 12_000, slots: 1 });
const outside = sampleSearch({ seed: 2, strategy: "random", trials: 6, stepsPerTrial: 2000, slots: 1 });

test("the numbers have exactly the promised fields, and each is read off the best trial", () => {
  const numbers = demoNumbers(7, [inside, outside]);
  assert.deepEqual(Object.keys(numbers), ["seed", "searches"]);
  const fields = ["strategy", "trials", "steps", "seconds", "validLoss", "testLoss", "testError", "hyperparameters"];
  for (const search of numbers.searches) assert.deepEqual(Object.keys(search), fields);
  const best = outside.trials.find(({ trial }) => trial?.trial === outside.search.bestTrial)?.trial;
  const [, random] = numbers.searches;
  assert.equal(random?.validLoss, outside.search.bestValue);
  assert.equal(random?.testLoss, best?.best?.metrics.testLoss);
  assert.equal(random?.testError, best?.best?.metrics.testError);
  assert.deepEqual(random?.hyperparameters, best?.work?.parameters);
  assert.equal(random?.steps, 12_000);
  assert.equal(random?.trials, 6);
  assert.deepEqual(JSON.parse(JSON.stringify(numbers)), numbers, "JSON changes a number");
});

test("a search without a finite measurement has nulls, dashes and no sentence", () => {
  const numbers = demoNumbers(1, [inside, { ...outside, trials: [] }]);
  assert.equal(numbers.searches[1]?.testLoss, null);
  assert.match(demoTable(numbers, false), /test loss +│ +0\.\d+ │ +— │/);
  assert.equal(demoSentence(numbers), undefined);
});

test("the table holds every number and hyperparameter, and the sentence compares test losses at equal steps", () => {
  const numbers = demoNumbers(1, [inside, outside]);
  const table = demoTable(numbers, false);
  for (const word of ["self-tuning-network", "random", "valid loss", "test error", "12,000", "inputDropout", "weightDecay"]) {
    assert.ok(table.includes(word), word);
  }
  const share = Math.round((1 - (numbers.searches[0]?.testLoss ?? 0) / (numbers.searches[1]?.testLoss ?? 1)) * 100);
  assert.ok(share > 0);
  const words = `Test loss of self-tuning-network is ${share} % below that of random's best of 6 trials, after the same 12,000 steps.`;
  assert.equal(demoSentence(numbers), words);
});

test("the sentence says so where the inside search is worse, equal, or had other steps", () => {
  const [a, b] = demoNumbers(1, [inside, outside]).searches;
  assert.ok(a !== undefined && b !== undefined);
  const sentence = (testLoss: number, steps = a.steps) =>
    demoSentence({
      seed: 1,
      searches: [
        { ...a, testLoss, steps },
        { ...b, testLoss: 0.2 },
      ],
    });
  assert.match(sentence(0.3) ?? "", /is 50 % above that/);
  assert.match(sentence(0.2) ?? "", /is the same as that/);
  assert.match(sentence(0.1, 10_000) ?? "", /is 50 % below that .*, after 10,000 steps against 12,000\.$/);
});
