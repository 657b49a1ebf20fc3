/** An agent in this process with a scratch data folder, and the leases that tests give it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Lease, type SearchSpec, SearchSpec as SearchSpecs } from "@regulus/proto";
import { pino } from "pino";
import { type Agent, startAgent } from "../agent.js";
import type { AgentOptions } from "../options.js";
import { TestCoordinator } from "./test-coordinator.js";

export interface TestAgent {
  readonly agent: Agent;
  readonly data: string;
  end(): Promise<void>;
}

export async function startTestAgent(coordinator: string, more: Partial<AgentOptions> = {}): Promise<TestAgent> {
  const data = mkdtempSync(join(tmpdir(), "regulus-agent-"));
  const options: AgentOptions = {
    coordinator,
    id: "agent-1",
    slots: 2,
    backend: "cpu",
    labels: {},
    allowCommands: true,
    memoryPerTrialBytes: 512 * 2 ** 20,
    isolation: "process",
    data,
    tls: {},
    trialMain: new URL("./trial-main.js", import.meta.url),
    ...more,
  };
  const agent = await startAgent(options, pino({ level: process.env.REGULUS_TEST_LOG ?? "silent" }, pino.destination(2)));
  return {
    agent,
    data,
    end: async () => {
      await agent.close();
      rmSync(data, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** A coordinator and an agent that has registered with it; `end` ends both. */
export async function startTestPair(
  more: Partial<AgentOptions> = {},
): Promise<{ coordinator: TestCoordinator; tested: TestAgent; end(): Promise<void> }> {
  const coordinator = await TestCoordinator.start();
  const tested = await startTestAgent(coordinator.address, more);
  await tested.agent.registered;
  const end = async () => {
    await tested.end();
    coordinator.close();
  };
  return { coordinator, tested, end };
}

/** A search with the given parts. */
export function testSpec(parts: Parameters<typeof SearchSpecs.fromPartial>[0] = {}): SearchSpec {
  return SearchSpecs.fromPartial({
    name: "test",
    workload: parts.command === undefined ? { name: "count" } : undefined,
    objectives: [{ metric: "validLoss" }],
    ...parts,
  });
}

/** A lease of attempt 1 on search "s" with the search's spec, unless told otherwise. */
export function testLease(trial: number, parts: Parameters<typeof Lease.fromPartial>[0] = {}): Lease {
  return Lease.fromPartial({
    seed: 7,
    proposedMs: Date.now(),
    ...parts,
    key: { searchId: "s", trial, attempt: 1, ...parts.key },
    work: { procedure: "fit", untilStep: 100, final: true, ...parts.work },
  });
}
