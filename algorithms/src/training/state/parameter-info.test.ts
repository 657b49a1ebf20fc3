/** Roles, matrices and groups from the names that layers give. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { parameterInfos } from "./parameter-info.js";

const infos = parameterInfos(
  new Map([
    ["words/table", [50, 8]],
    ["conv/kernel", [3, 3, 2, 8]],
    ["conv/bias", [8]],
    ["norm/gain", [8]],
    ["lstm/recurrent", [8, 32]],
    ["logits/kernel", [8, 5]],
    ["logits/response/kernel", [8, 5]],
    ["logits/response/kernel-slopes", [2, 5]],
    ["logits/bias", [5]],
  ]),
);
const of = (name: string) => {
  const info = infos.get(name);
  assert.ok(info !== undefined);
  return info;
};

it("a role is the last part of the name, of responses too", () => {
  assert.deepEqual(
    ["words/table", "conv/kernel", "conv/bias", "norm/gain", "lstm/recurrent", "logits/response/kernel"].map(
      (name) => of(name).role,
    ),
    ["embedding", "kernel", "bias", "gain", "kernel", "kernel"],
  );
});

it("a matrix has inputs as rows and outputs as columns; what multiplies nothing is none", () => {
  assert.deepEqual(of("conv/kernel").matrix, { rows: 18, columns: 8 });
  assert.deepEqual(of("words/table").matrix, { rows: 50, columns: 8 });
  assert.deepEqual(of("logits/kernel").matrix, { rows: 8, columns: 5 });
  assert.equal(of("conv/bias").matrix, undefined);
  assert.equal(of("norm/gain").matrix, undefined);
});

it("the last group is the layer that was made last, with its response", () => {
  const last = [...infos.values()].filter(({ group }) => group === "last").map(({ name }) => name);
  assert.deepEqual(last, ["logits/kernel", "logits/response/kernel", "logits/response/kernel-slopes", "logits/bias"]);
});

it("responses are told from weights", () => {
  assert.equal(of("logits/response/kernel").response, true);
  assert.equal(of("logits/kernel").response, false);
});
