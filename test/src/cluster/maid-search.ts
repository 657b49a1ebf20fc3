/**
 * One search of MAID over a real cluster of processes: its steps, bit for bit, how long it took, and what became of it where something was killed
 * or held still in the midst of a round. For tests and benches.
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { connect } from "@regulus/client";
import { type Fact, parseSearchDocument, type StrategyStepped, stepOutcome } from "@regulus/proto";
import { descendants, type Program, processorSeconds, root, scratch, startProgram } from "./processes.js";

/** Short leases, so that a lost agent is noticed soon. */
const timing = ["--lease-timeout-ms", "3000", "--heartbeat-every-ms", "500"];

/**
 * kill-agent: with -9, for good. kill-trials: its trial processes, with -9. hang-trial: its oldest trial process is held still (SIGSTOP) for good.
 * kill-coordinator: with -9; started again at once.
 */
export type Disturbance = "kill-agent" | "kill-trials" | "hang-trial" | "kill-coordinator";

export interface MaidSearch {
  /** Agents of one slot each. */
  readonly agents: number;
  /** Parts of a search document. */
  readonly document: Readonly<Record<string, unknown>>;
  /** What is done, once, to the agent that works on a trial, or to all, when so many steps were told of; absent for nothing. */
  readonly disturbance?: { readonly kind: Disturbance; readonly afterSteps: number };
  /** How agents run trials; each in a process of its own where absent. */
  readonly isolation?: "process" | "inline";
  /** Whether agents run programs of the search's. */
  readonly allowCommands?: boolean;
}

export interface MaidCourse {
  /** What was told of the method's iterations, without what was told of trials. */
  readonly steps: readonly StrategyStepped[];
  readonly facts: readonly Fact[];
  /** From the search's creation to the last step, in seconds of the coordinator's clock. */
  readonly seconds: number;
  /** Processor time of the coordinator, the agents and their trials together, in seconds; 0 without /proc. */
  readonly processorSeconds: number;
  /** Times that it was disturbed. */
  readonly disturbances: number;
  /** What `regulus show` said at the end. */
  readonly shown: string;
}

/** Runs the search to its end. */
export async function runMaidSearch({
  agents,
  document,
  disturbance,
  isolation = "process",
  allowCommands = false,
}: MaidSearch): Promise<MaidCourse> {
  const folder = scratch("maid");
  const started: Program[] = [];
  const start = async (room: "coordinator" | "agent", args: readonly string[]): Promise<Program> => {
    const program = await startProgram(room, [...args, "--log-level", "warn"]);
    started.push(program);
    return program;
  };
  try {
    const data = ["--data", `${folder.path}/coordinator`];
    const startCoordinator = (listen: string) =>
      start("coordinator", ["--listen", listen, "--metrics-listen", "off", ...data, ...timing]);
    const coordinator = await startCoordinator("127.0.0.1:0");
    const address = coordinator.ready.address ?? "";
    const leave = allowCommands ? ["--allow-commands"] : [];
    const startAgent = (index: number) => {
      const own = ["--id", `agent-${index}`, "--data", `${folder.path}/agent-${index}`];
      return start("agent", [
        "--coordinator",
        address,
        "--slots",
        "1",
        "--backend",
        "cpu",
        "--isolation",
        isolation,
        ...own,
        ...leave,
      ]);
    };
    const running = await Promise.all(Array.from({ length: agents }, (_, index) => startAgent(index)));
    const client = connect(address);
    const spec = parseSearchDocument({ name: "maid", objective: { metric: "upperLoss", direction: "minimize" }, ...document });
    const search = await client.createSearch({ spec, idempotencyKey: "maid" });
    const facts: Fact[] = [];
    let disturbances = 0;
    for await (const piece of client.watchSearch(search.searchId)) {
      facts.push(...piece.facts);
      if (disturbance === undefined || disturbances > 0 || stepsOf(facts).length < disturbance.afterSteps) continue;
      // The next attempt on it has begun, so that it happens in the midst of a round.
      const begun = piece.facts.some(({ kind }) => kind?.$case === "attemptStarted" && kind.value.agentId === "agent-0");
      if (!begun) continue;
      disturbances += 1;
      const pid = running[0]?.pid ?? 0;
      if (disturbance.kind === "kill-agent") await running[0]?.kill();
      else if (disturbance.kind === "kill-coordinator") {
        await coordinator.kill();
        await startCoordinator(address);
      } else if (disturbance.kind === "kill-trials") for (const one of descendants(pid)) signal(one, "SIGKILL");
      else for (const one of descendants(pid).slice(0, 1)) signal(one, "SIGSTOP");
    }
    client.close();
    const spent = started.reduce((sum, { pid }) => sum + processorSeconds(pid), 0);
    const cli = join(root, "client/bin/regulus.js");
    const shown = execFileSync(process.execPath, [cli, "show", search.searchId, "--coordinator", address], { encoding: "utf8" });
    const last = facts.findLast(({ kind }) => kind?.$case === "strategyStepped");
    const seconds = ((last?.timeMs ?? 0) - (facts[0]?.timeMs ?? 0)) / 1000;
    return { steps: stepsOf(facts), facts, seconds, processorSeconds: spent, disturbances, shown };
  } finally {
    for (const program of started.reverse()) await program.kill();
    folder.remove();
  }
}

function signal(pid: number, name: "SIGKILL" | "SIGSTOP"): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended by itself in between.
  }
}

/** What was told of the method's iterations, without what was told of trials. */
export function stepsOf(facts: readonly Fact[]): StrategyStepped[] {
  return facts.flatMap(({ kind }) =>
    kind?.$case === "strategyStepped" && stepOutcome(kind.value) !== "news" ? [kind.value] : [],
  );
}
