import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { resolveSpec } from "@regulus/algorithms/catalog";
import { strategies } from "@regulus/algorithms/strategies";
import { Fact, parseSearchDocument } from "@regulus/proto";
import { InlineHost, type StrategyAnswer, type StrategyHost } from "./strategy-host.js";
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

  it("make a failure in words of an unknown strategy, and keep it", async () => {
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
