/**
 * Chaos for checkpoints: programs that announce every step twice, `checkpointEvery` at its smallest, under ASHA, while trial processes, agents and
 * the coordinator are killed with -9 until the search has ended. Afterwards the log and every stored checkpoint are looked through.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { createRng } from "@regulus/algorithms/core";
import { connect, type RegulusClient } from "@regulus/client";
import { type ArtifactRef, type Fact, parseSearchDocument, type Trial } from "@regulus/proto";
import { Parser } from "tar";
import { violations } from "../cluster/invariants.js";
import { descendants, type Program, scratch, startProgram } from "../cluster/processes.js";

/** Slots of each of the two agents. */
const slots = 3;
/** Kills follow each other after a wait in this range: most of the time work goes on, and what was killed is back before the next one. */
const waitMs = { min: 1000, max: 9000 };
/** Short leases, so that a lost agent is noticed soon. */
const timing = ["--lease-timeout-ms", "3000", "--heartbeat-every-ms", "500"];
/** Steps of a whole trial, and those up to ASHA's first rung. */
const steps = { whole: 16, first: 4 };
/** Copies of the step in a program's file: half of one and half of another shows. */
const copies = 1024;

/** Goes on from its file, saves whole files, says each step twice and once more at its end. "from" tells where it began. */
const program = `
f="$REGULUS_CHECKPOINT_DIR/model"; s=0
if [ -f "$f" ]; then read -r s < "$f"; fi
from=$s
while [ "$s" -lt "$REGULUS_UNTIL_STEP" ]; do
  s=$((s + 1)); x="$s
"
  for i in 1 2 3 4 5 6 7 8 9 10; do x="$x$x"; done
  printf '%s' "$x" > "$f.new" && mv "$f.new" "$f" || exit 1
  echo "{\\"checkpoint\\": $s}"
  echo "{\\"checkpoint\\": $s}"
  echo "{\\"step\\": $s, \\"loss\\": $REGULUS_PARAM_x, \\"from\\": $from}"
done
echo "{\\"checkpoint\\": $s}"
`;

export interface CheckpointChaosOptions {
  readonly trials: number;
  readonly seed: number;
  /** Longest time: then it counts as hung. */
  readonly timeoutMs: number;
  say(text: string): void;
}

export interface CheckpointChaosResult {
  readonly trials: number;
  readonly seconds: number;
  readonly kills: number;
  readonly attempts: number;
  /** Attempts that went on from a checkpoint. */
  readonly resumed: number;
  readonly checkpoints: number;
  /** Final and best checkpoints that were fetched and looked into. */
  readonly fetched: number;
  readonly violations: readonly string[];
}

export async function checkpointChaos(options: CheckpointChaosOptions): Promise<CheckpointChaosResult> {
  const began = performance.now();
  const folder = scratch("chaos-checkpoints");
  const cluster = await startCluster(folder.path);
  const client = connect(cluster.address);
  try {
    const spec = parseSearchDocument(documentOf(options));
    const { searchId } = await client.createSearch({ spec, idempotencyKey: "chaos" });
    const kills = await killUntilEnd(cluster, client, searchId, options);
    const log: Fact[] = [];
    for await (const { facts } of client.watchSearch(searchId)) log.push(...facts);
    const wrong = [...violations(log, options.trials), ...brokenPromises(log)];
    const stored = await lookInto(client, searchId);
    const count = (kind: string) => log.filter((fact) => fact.kind?.$case === kind).length;
    const resumed = log.filter(({ kind }) => kind?.$case === "attemptStarted" && kind.value.fromStep > 0).length;
    return {
      trials: options.trials,
      seconds: Math.round((performance.now() - began) / 1000),
      kills,
      attempts: count("attemptStarted"),
      resumed,
      checkpoints: count("trialCheckpointed"),
      fetched: stored.fetched,
      violations: [...wrong, ...stored.wrong],
    };
  } finally {
    client.close();
    await cluster.end();
    folder.remove();
  }
}

function documentOf({ trials, seed }: CheckpointChaosOptions): Readonly<Record<string, unknown>> {
  return {
    name: "checkpoints under fire",
    command: { argv: ["sh", "-c", program] },
    objective: { metric: "loss", direction: "minimize" },
    space: { x: { type: "double", min: 0, max: 1 } },
    strategy: { name: "asha", options: { eta: 4, minSteps: steps.first } },
    budget: { trials, stepsPerTrial: steps.whole },
    parallelism: 2 * slots,
    retries: { max: 1000, backoff: "50ms" },
    reporting: { checkpointEvery: "1ms" },
    seed,
  };
}

interface Cluster {
  readonly address: string;
  readonly agents: Program[];
  killCoordinator(): Promise<void>;
  killAgent(index: number): Promise<void>;
  end(): Promise<void>;
}

async function startCluster(path: string): Promise<Cluster> {
  const startCoordinator = (listen: string): Promise<Program> => {
    const quiet = ["--metrics-listen", "off", "--log-level", "error"];
    return startProgram("coordinator", ["--listen", listen, "--data", `${path}/coordinator`, ...quiet, ...timing]);
  };
  let coordinator = await startCoordinator("127.0.0.1:0");
  const address = coordinator.ready.address ?? "";
  const startAgent = (index: number): Promise<Program> => {
    const own = ["--id", `agent-${index}`, "--data", `${path}/agent-${index}`];
    const more = ["--slots", String(slots), "--backend", "cpu", "--allow-commands", "--log-level", "error"];
    return startProgram("agent", ["--coordinator", address, ...own, ...more]);
  };
  const agents = [await startAgent(0), await startAgent(1)];
  return {
    address,
    agents,
    killCoordinator: async () => {
      await coordinator.kill();
      coordinator = await startCoordinator(address);
    },
    killAgent: async (index) => {
      await agents[index]?.kill();
      agents[index] = await startAgent(index);
    },
    end: async () => {
      for (const agent of agents) await agent.kill();
      await coordinator.kill();
    },
  };
}

/** Answers how often something was killed. */
async function killUntilEnd(
  cluster: Cluster,
  client: RegulusClient,
  searchId: string,
  { seed, timeoutMs, trials, say }: CheckpointChaosOptions,
): Promise<number> {
  const rng = createRng(seed).fork("chaos", "checkpoints");
  const over = new AbortController();
  const ended = (async () => {
    for await (const { facts } of client.watchSearch(searchId, { signal: over.signal })) {
      if (facts.at(-1)?.kind?.$case === "searchEnded") return;
    }
  })().finally(() => over.abort());
  const untilMs = performance.now() + timeoutMs;
  let kills = 0;
  while (!over.signal.aborted) {
    await sleep(waitMs.min + rng.uniform() * (waitMs.max - waitMs.min));
    if (over.signal.aborted) break;
    if (performance.now() > untilMs) {
      over.abort();
      throw new Error(`the search of ${trials} trials had not ended after ${timeoutMs} ms`);
    }
    const victim = rng.uniform();
    if (victim < 0.2) await cluster.killCoordinator();
    else if (victim < 0.5) await cluster.killAgent(rng.integer(cluster.agents.length));
    else killBelow(cluster.agents[rng.integer(cluster.agents.length)], rng.uniform());
    kills += 1;
    if (kills % 10 === 0) {
      const counts = await client.getSearch(searchId).then(
        (search) => search.counts,
        () => undefined,
      );
      say(`${kills} kills; ${JSON.stringify(counts)}`);
    }
  }
  await ended;
  return kills;
}

/** Kills one process below an agent: a trial's, a spare, or a program. */
function killBelow(agent: Program | undefined, which: number): void {
  const below = descendants(agent?.pid ?? 0);
  const pid = below[Math.floor(which * below.length)];
  try {
    if (pid !== undefined) process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself in between.
  }
}

/** What the log says of lost and damaged checkpoints, and of programs that did not begin where they were to. */
function brokenPromises(log: readonly Fact[]): string[] {
  const wrong: string[] = [];
  const saved = new Map<number, number>();
  const begun = new Map<number, number>();
  for (const { kind } of log) {
    switch (kind?.$case) {
      case "trialCheckpointed":
        saved.set(kind.value.trial, kind.value.step);
        break;
      case "attemptStarted": {
        const { trial, attempt, fromStep } = kind.value;
        const newest = saved.get(trial) ?? 0;
        if (fromStep !== newest) wrong.push(`trial ${trial}: attempt ${attempt} began at ${fromStep}, saved was ${newest}`);
        begun.set(trial, fromStep);
        break;
      }
      case "trialMeasured": {
        const { trial, attempt, measurement } = kind.value;
        const from = measurement?.metrics.from ?? -1;
        const wanted = begun.get(trial) ?? 0;
        // What is frozen at an announcement may be a step further on, never one back.
        if (from < wanted) wrong.push(`trial ${trial}: attempt ${attempt} was to begin at ${wanted} and began at ${from}`);
        break;
      }
      case "checkpointDamaged":
        wrong.push(`trial ${kind.value.trial}: the checkpoint at step ${kind.value.step} is damaged: ${kind.value.message}`);
        break;
      case "findingReported":
        if (kind.value.source !== "asha") wrong.push(`found: ${kind.value.message}`);
        break;
      case "trialEnded":
        if (kind.value.reason !== "END_REASON_DONE" && kind.value.reason !== "END_REASON_STOPPED_EARLY") {
          wrong.push(`trial ${kind.value.trial} ended as ${kind.value.reason}: ${kind.value.message}`);
        }
        break;
      default:
    }
  }
  return wrong;
}

/** Fetches the final and the best checkpoint of every trial and looks at the program's own file in it. */
async function lookInto(client: RegulusClient, searchId: string): Promise<{ fetched: number; wrong: string[] }> {
  const wrong: string[] = [];
  let fetched = 0;
  for await (const trial of client.trials({ searchId, pageSize: 100 })) {
    const { last, checkpointStep, bestCheckpointStep } = trial;
    if (checkpointStep !== last?.step) wrong.push(`trial ${trial.trial} ended at ${last?.step}, saved is ${checkpointStep}`);
    for (const [ref, step] of [
      [trial.checkpoint, checkpointStep],
      [trial.bestCheckpoint, bestCheckpointStep],
    ] as const) {
      fetched += 1;
      const problem = await contentProblem(client, ref, step).catch((error: unknown) => String(error));
      if (problem !== undefined) wrong.push(`${nameOf(trial)}, checkpoint at step ${step}: ${problem}`);
    }
  }
  return { fetched, wrong };
}

const nameOf = (trial: Trial): string => `trial ${trial.trial} of ${trial.attempts} attempts`;

async function contentProblem(client: RegulusClient, ref: ArtifactRef | undefined, step: number): Promise<string | undefined> {
  if (ref === undefined) return "it has none";
  const names: string[] = [];
  let text = "";
  const parser = new Parser({
    strict: true,
    onReadEntry: (entry) => {
      names.push(entry.path);
      entry.on("data", (piece: Buffer) => {
        if (entry.path.endsWith("/model")) text += piece.toString("utf8");
      });
    },
  });
  const done = new Promise((resolve, reject) => parser.on("end", resolve).on("error", reject));
  for await (const piece of client.getArtifact(ref.sha256)) parser.write(Buffer.from(piece));
  parser.end();
  await done;
  const held = Number.parseInt(text, 10);
  if (text !== `${held}\n`.repeat(copies)) return `its file is torn or missing, it holds ${names.join(", ")}`;
  return held >= step ? undefined : `its file is of step ${held}`;
}
