/**
 * One round of chaos: a cluster of real processes, one search of real training, and one kind of process killed again and again at random
 * moments. Answers what was killed and what was broken.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { createRng, type Rng } from "@regulus/algorithms/core";
import { connect, type RegulusClient } from "@regulus/client";
import type { Fact, StrategyStepped } from "@regulus/proto";
import { lostFacts, violations } from "../cluster/invariants.js";
import { stepsOf } from "../cluster/maid-search.js";
import { descendants, type Program, scratch, startProgram } from "../cluster/processes.js";
import { type ChaosTask, specOf, trialsOf } from "./tasks.js";

export const victims = ["coordinator", "agent", "trial"] as const;
export type Victim = (typeof victims)[number];

/** Longest time for a round: then it counts as hung. */
const roundTimeoutMs = 8 * 60_000;
/** Kills follow each other after a wait in this range. */
const waitMs = { min: 300, max: 2500 };
/** A killed trial process is noticed within this time, or it was a spare; looked at this often. */
const noticeMs = 2000;
const pollMs = 50;
/** Short leases, so that a lost agent is noticed soon. */
const timing = ["--lease-timeout-ms", "3000", "--heartbeat-every-ms", "500"];

export interface ChaosResult {
  readonly victim: Victim;
  readonly kills: number;
  readonly seconds: number;
  readonly facts: number;
  readonly attempts: number;
  readonly violations: readonly string[];
}

export interface ChaosOptions {
  readonly victim: Victim;
  /** How often the victim is killed. */
  readonly kills: number;
  readonly seed: number;
  readonly task: ChaosTask;
  /** The strategy's steps of an undisturbed search, which this one has to take to the last bit; absent where nobody compares. */
  readonly expectedSteps?: readonly StrategyStepped[];
  say(text: string): void;
}

/** Runs one round. */
export async function chaosRound(options: ChaosOptions): Promise<ChaosResult> {
  const { victim, say, task } = options;
  const trials = trialsOf[task];
  const began = performance.now();
  const rng = createRng(options.seed).fork("chaos", victim);
  const folder = scratch(`chaos-${victim}`);
  const data = `${folder.path}/coordinator`;
  const startCoordinator = (listen: string): Promise<Program> =>
    startProgram("coordinator", [
      "--listen",
      listen,
      "--metrics-listen",
      "off",
      "--data",
      data,
      "--log-level",
      "warn",
      ...timing,
    ]);
  let coordinator = await startCoordinator("127.0.0.1:0");
  const address = coordinator.ready.address ?? "";
  const startAgent = (index: number): Promise<Program> =>
    startProgram("agent", [
      "--coordinator",
      address,
      "--id",
      `agent-${index}`,
      "--slots",
      "1",
      "--backend",
      "wasm",
      "--data",
      `${folder.path}/agent-${index}`,
      "--log-level",
      "warn",
    ]);
  const agents = [await startAgent(0), await startAgent(1)];
  const client = connect(address);
  const heard: Fact[] = [];
  const listening = new AbortController();
  try {
    const search = await client.createSearch({ spec: specOf(task, options.seed), idempotencyKey: "chaos" });
    const listener = listen(client, search.searchId, heard, listening.signal);
    let kills = 0;
    while (kills < options.kills && heard.at(-1)?.kind?.$case !== "searchEnded") {
      await sleep(waitMs.min + rng.uniform() * (waitMs.max - waitMs.min));
      if (victim === "coordinator") {
        await coordinator.kill();
        coordinator = await startCoordinator(address);
      } else if (victim === "agent") {
        const index = rng.integer(agents.length);
        await agents[index]?.kill();
        agents[index] = await startAgent(index);
      } else if (!(await killTrial(agents, rng, heard))) {
        continue;
      }
      kills += 1;
      say(`killed ${victim} ${kills} of ${options.kills} after ${heard.length} facts`);
    }
    await Promise.race([
      listener,
      sleep(roundTimeoutMs, undefined, { signal: listening.signal }).then(() => {
        throw new Error(`the search had not ended after ${roundTimeoutMs} ms`);
      }),
    ]);
    const log: Fact[] = [];
    for await (const { facts } of client.watchSearch(search.searchId)) log.push(...facts);
    const wrong = [
      ...violations(log, trials),
      ...lostFacts(heard, log),
      ...outcome(log),
      ...otherSteps(log, options.expectedSteps),
    ];
    if (kills < options.kills)
      wrong.push(`the search ended after ${kills} of ${options.kills} kills; it is too short for this machine`);
    const attempts = log.filter((fact) => fact.kind?.$case === "attemptStarted").length;
    say(
      `${log.length} facts, ${attempts} attempts for ${trialsIn(log)} trials, ${wrong.length === 0 ? "every promise held" : wrong.join("; ")}`,
    );
    return { victim, kills, seconds: (performance.now() - began) / 1000, facts: log.length, attempts, violations: wrong };
  } finally {
    listening.abort();
    client.close();
    for (const agent of agents) await agent.kill();
    await coordinator.kill();
    folder.remove();
  }
}

/** Keeps what is heard of the search, across coordinators. */
async function listen(client: RegulusClient, searchId: string, heard: Fact[], signal: AbortSignal): Promise<void> {
  for await (const { facts } of client.watchSearch(searchId, { signal })) heard.push(...facts);
}

/** Kills every process below one agent, its spares too; false where none of them was at work. */
async function killTrial(agents: readonly Program[], rng: Rng, heard: readonly Fact[]): Promise<boolean> {
  const agent = agents[rng.integer(agents.length)];
  const before = heard.length;
  for (const pid of descendants(agent?.pid ?? 0)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended by itself in between.
    }
  }
  for (let waited = 0; waited < noticeMs; waited += pollMs) {
    if (heard.slice(before).some((fact) => fact.kind?.$case === "attemptEnded")) return true;
    await sleep(pollMs);
  }
  return false;
}

/** Where the strategy went another way than undisturbed. */
function otherSteps(log: readonly Fact[], expected: readonly StrategyStepped[] | undefined): string[] {
  if (expected === undefined) return [];
  const steps = stepsOf(log);
  const first = expected.findIndex((step, index) => JSON.stringify(step) !== JSON.stringify(steps[index]));
  if (first < 0 && steps.length === expected.length) return [];
  return [
    `the strategy's steps differ from those of an undisturbed search from number ${first < 0 ? expected.length : first} on`,
  ];
}

function trialsIn(log: readonly Fact[]): number {
  return log.filter(({ kind }) => kind?.$case === "trialProposed").length;
}

function outcome(log: readonly Fact[]): string[] {
  const last = log.at(-1)?.kind;
  if (last?.$case !== "searchEnded" || last.value.outcome === "SEARCH_OUTCOME_COMPLETED") return [];
  return [`the search ended as ${last.value.outcome}: ${last.value.reason}`];
}
