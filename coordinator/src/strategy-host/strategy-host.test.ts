import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { resolveSpec } from "@regulus/algorithms/catalog";
import type { Proposal, Strategy, StrategyModule } from "@regulus/algorithms/core";
import { strategies } from "@regulus/algorithms/strategies";
import { Fact, limits, parseSearchDocument } from "@regulus/proto";
import { z } from "zod";
import {
  checkedProposals,
  createStrategy,
  failureWords,
  InlineHost,
  type StrategyAnswer,
  type StrategyHost,
} from "./strategy-host.js";
import { WorkerHost } from "./worker-host.js";

const spec = resolveSpec(
  parseSearchDocument({
    name: "hosted",
    command: { argv: ["train"] },
    objective: { metric: "loss", direction: "minimize" },
    strategy: "random",
    space: { rate: { type: "double", min: 0, max: 1 } },
    budget: { trials: 100 },
    seed: 5,
  }),
);

const ask = (host: StrategyHost, limit: number) => new Promise<StrategyAnswer>((resolve) => host.ask(limit, resolve));

const proposed = Fact.fromPartial({
  searchId: "s",
  position: 2,
  timeMs: 1,
  kind: { $case: "trialProposed", value: { trial: 0, work: { procedure: "command", parameters: { rate: 0.5 } } } },
});

describe("strategy hosts", () => {
  it("give the same answers from a thread and from here", async () => {
    const inline = new InlineHost(strategies, spec);
    const worker = new WorkerHost(spec);
    const first = await ask(worker, 3);
    assert.ok("proposals" in first && first.proposals.length === 3);
    assert.deepEqual(first, await ask(inline, 3));
    for (const host of [inline, worker]) host.tell([proposed]);
    const second = await ask(worker, 3);
    assert.deepEqual(second, await ask(inline, 3));
    assert.notDeepEqual(second, first);
    worker.close();
  });

  it("make a failure with a message of an unknown strategy, and keep it", async () => {
    const unknown = new InlineHost(new Map(), spec);
    const answer = await ask(unknown, 1);
    assert.ok("failure" in answer && /no strategy "random"/.test(answer.failure));
    unknown.tell([proposed]);
    assert.deepEqual(await ask(unknown, 1), answer);
  });

  it("outlive a thread that throws, ends or hangs", async () => {
    const folder = mkdtempSync(join(tmpdir(), "regulus-strategy-"));
    const faults = {
      throws: "throw new Error('no idea')",
      ends: "process.exit(3)",
      hangs: "for (;;);",
      nonsense: "return 'what?'",
    };
    const failures: Record<string, string> = {};
    for (const [name, fault] of Object.entries(faults)) {
      const path = join(folder, `${name}.mjs`);
      writeFileSync(
        path,
        `const create = () => ({ init: () => 0, tell: (state) => state, ask: () => { ${fault} } });
         export const strategies = new Map([["random", { spec: { options: { parse: (given) => given } }, create }]]);`,
      );
      const host = new WorkerHost(spec, {
        strategiesUrl: pathToFileURL(path).href,
        answerMsMax: name === "hangs" ? 300 : 20_000,
      });
      const answer = await ask(host, 1);
      failures[name] = "failure" in answer ? answer.failure : "none";
      host.close();
    }
    rmSync(folder, { recursive: true });
    assert.match(failures.throws ?? "", /threw when it was asked: Error: no idea/);
    assert.match(failures.ends ?? "", /exit code 3/);
    assert.match(failures.hangs ?? "", /no answer for 300 ms/);
    assert.match(failures.nonsense ?? "", /something else than a list of proposals/);
  });
});

/** A strategy that says what it knows: the trials of its budget, the facts that it was told, and how often it was made. */
function told(): { readonly strategies: ReadonlyMap<string, StrategyModule<unknown>>; readonly made: number[] } {
  const made: number[] = [];
  const random = strategies.get("random") ?? assert.fail("random is registered");
  const create: StrategyModule<unknown>["create"] = ({ budget }): Strategy<object> => {
    made.push(budget.trials);
    const knows: Strategy<{ positions: number[] }> = {
      init: () => ({ positions: [] }),
      tell: (state, { position }) => {
        if (position === 13) throw new Error("unlucky");
        return { positions: [...state.positions, position] };
      },
      ask: ({ positions }, limit) => [
        { kind: "report", step: limit, accepted: true, metrics: { trials: budget.trials }, message: positions.join(" ") },
      ],
    };
    return knows;
  };
  return { strategies: new Map([["random", { spec: { ...random.spec, options: z.any() }, create }]]), made };
}

describe("a strategy at work", () => {
  const fact = (position: number, kind: Fact["kind"] = { $case: "searchResumed", value: {} }): Fact => {
    return { searchId: "s", position, timeMs: 1, kind };
  };
  const said = async (host: StrategyHost, limit = 1) => {
    const answer = await ask(host, limit);
    const [first] = "proposals" in answer ? answer.proposals : assert.fail(answer.failure);
    return first?.kind === "report" ? [first.step, first.metrics.trials, first.message] : assert.fail("it reports");
  };

  it("is told every fact once and in order, and asked with the limit that there is", async () => {
    const host = new InlineHost(told().strategies, spec);
    host.tell([fact(2), fact(3)]);
    host.tell([]);
    host.tell([fact(4)]);
    assert.deepEqual(await said(host, 7), [7, 100, "2 3 4"]);
    assert.deepEqual(await said(host), [1, 100, "2 3 4"], "asking changes nothing");
  });

  it("continues under a larger budget with the state that it has", async () => {
    const { strategies: known, made } = told();
    const host = new InlineHost(known, spec);
    const budget = { trials: 150, steps: 0, stepsPerTrial: 0, wallTimeMs: 0 };
    host.tell([fact(2), fact(3, { $case: "searchExtended", value: { budget, idempotencyKey: "" } }), fact(4)]);
    assert.deepEqual(await said(host), [1, 150, "2 3 4"]);
    assert.deepEqual(made, [100, 150]);
  });

  it("that throws when it is told answers its failure from then on, and is told and asked no more", async () => {
    const host = new InlineHost(told().strategies, spec);
    host.tell([fact(13)]);
    host.tell([fact(14)]);
    const failure = "it threw when it got a fact: Error: unlucky";
    assert.deepEqual([await ask(host, 1), await ask(host, 1)], [{ failure }, { failure }]);
  });

  it("that is no strategy, or whose options are not its own, is a failure with a message", () => {
    assert.throws(
      () => createStrategy(strategies, { ...spec, strategy: { name: "rndm", options: undefined } }),
      /no strategy "rndm"/,
    );
    const wrong = new InlineHost(strategies, { ...spec, strategy: { name: "asha", options: { eta: -3 } } });
    wrong.ask(1, (answer) => assert.ok("failure" in answer && /^it threw when it was made: /.test(answer.failure)));
  });
});

describe("what a strategy answers", () => {
  const stop: Proposal = { kind: "stop", trial: 0, reason: "" };

  it("is a list of proposals of at most as many as can be meant", () => {
    const most = limits.askMax + limits.parallelismMax;
    assert.equal(checkedProposals(Array(most).fill(stop)).length, most);
    assert.throws(
      () => checkedProposals(Array(most + 1).fill(stop)),
      new RegExp(`answered ${most + 1} proposals, at most ${most}`),
    );
    for (const wrong of [undefined, null, "what?", { 0: stop, length: 1 }, [stop, null], [stop, "stop"], [{}]])
      assert.throws(() => checkedProposals(wrong), /something else than a list of proposals/);
  });

  it("by throwing is told in a text of bounded length", () => {
    assert.equal(failureWords("was asked", "no idea"), "it threw when it was asked: no idea");
    assert.ok(failureWords("was asked", new Error("x".repeat(10_000))).length <= limits.textCharactersMax);
  });
});

describe("a search with a control arm", () => {
  it("starts control trials at random beside those of its strategy, and one without it none", async () => {
    const document = {
      ...{ name: "two arms", workload: "mnist-mlp", objective: { metric: "validLoss" }, techniques: ["dropout"] },
      ...{ strategy: "random", space: { inputDropout: { type: "double", min: 0, max: 0.8, tuned: "inside" } } },
      budget: { trials: 12, stepsPerTrial: 900 },
    };
    const controls = async (more: object) => {
      const answer = await ask(new InlineHost(strategies, resolveSpec(parseSearchDocument({ ...document, ...more }))), 12);
      const proposals = "proposals" in answer ? answer.proposals : assert.fail(answer.failure);
      return proposals.filter((proposal) => proposal.kind === "start" && proposal.arm === "control").length;
    };
    assert.equal(await controls({ control: { share: 0.25 } }), 3);
    assert.equal(await controls({}), 0);
  });
});
