/** What programs and trial processes find in their environment: what docs/command.md names, in its order, and nothing else of the agent's. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { markVariable } from "../attempts/descendants.js";
import { programPart, trialPart } from "../attempts/owner-environment.js";
import { testLease, testSpec } from "../testing/test-agent.js";
import type { Begin } from "../trial/messages.js";
import { answeringEnvironment, programEnvironment, programPaths } from "./program-environment.js";

/** An environment that has whatever is asked for. */
const everything = new Proxy<NodeJS.ProcessEnv>({}, { get: (_, name) => `the agent's ${String(name)}` });
const backends = [
  "REGULUS_WASM",
  "REGULUS_PEERS",
  "XDG_RUNTIME_DIR",
  "CUDA_CACHE_PATH",
  "CUDA_DEVICE_ORDER",
  "TF_X",
  "XLA_FLAGS",
];
const secrets = ["WANDB_API_KEY", "AWS_SECRET_ACCESS_KEY", "REGULUS_TOKEN", "MY_TF_KEY", "OMP_", "NODE_OPTIONS"];

test("programs get what the page names of the agent's environment; trial processes get what backends read, too", () => {
  const docs = readFileSync(join(import.meta.dirname, "../../../docs/command.md"), "utf8");
  const [, named = ""] = /Of the agent's own environment the program gets ([^;]*);/s.exec(docs) ?? [];
  const names = [...named.matchAll(/`(\w+)`/g)].map(([, name]) => name);
  assert.deepEqual(Object.keys(programPart(everything)).sort(), names.sort());
  assert.equal(programPart(everything).HOME, "the agent's HOME");
  assert.deepEqual(programPart({ HOME: "/x" }), { HOME: "/x" }, "what is not set stays unset");
  const own = Object.fromEntries([...backends, ...secrets, "PATH"].map((name) => [name, "v"]));
  assert.deepEqual(Object.keys(programPart(own)), ["PATH"]);
  assert.deepEqual(Object.keys(trialPart(own)).sort(), [...backends, "PATH"].sort());
});

test("what the agent gives wins over its own environment, the search's env over that, and what names the trial over all", () => {
  const { work } = testLease(3, { work: { untilStep: 60, parameters: { "a.b": 0.5, kind: "x", layers: [1, 2] } } });
  assert.ok(work);
  const env = {
    PATH: "/search",
    OWNED: "search",
    PYTHONUNBUFFERED: "",
    REGULUS_TRIAL: "77",
    REGULUS_SEED: "77",
    REGULUS_PARAM_kind: "y",
  };
  const begin: Begin = {
    spec: testSpec({ command: { argv: ["true"], env }, seed: 11 }),
    work,
    seed: 7,
    searchId: "s",
    trial: 3,
    attempt: 2,
    directory: "own",
    checkpoint: "",
    inputs: [],
    goesOn: false,
    overruns: false,
    environment: { HOME: "/given", OWNED: "given", REGULUS_SLOT: "1" },
    aliveEveryMs: 0,
  };
  const own = { PATH: "/agent", HOME: "/agent", LANG: "C", SECRET: "hush", [markVariable]: "mark" };
  const paths = programPaths("own");
  const expected = {
    PATH: "/search",
    HOME: "/given",
    LANG: "C",
    OWNED: "search",
    PYTHONUNBUFFERED: "",
    REGULUS_PARAM_a_b: "0.5",
    REGULUS_PARAM_kind: "y",
    REGULUS_PARAM_layers: "[1,2]",
    REGULUS_SLOT: "1",
    REGULUS_SEARCH: "s",
    REGULUS_TRIAL: "3",
    [markVariable]: "mark",
  };
  assert.deepEqual(programEnvironment(begin, paths, own), {
    ...expected,
    REGULUS_ATTEMPT: "2",
    REGULUS_SEED: "7",
    REGULUS_UNTIL_STEP: "60",
    REGULUS_PARAMETERS: resolve("own/parameters.json"),
    REGULUS_CHECKPOINT_DIR: resolve("own/checkpoint"),
  });
  // It answers for all attempts and all trials: the seed is the search's.
  assert.deepEqual(answeringEnvironment(begin, own), { ...expected, REGULUS_SEED: "11" });
  assert.equal(answeringEnvironment({ ...begin, spec: testSpec() }, own).PYTHONUNBUFFERED, "1");
});
