/** One search of MAID over a real cluster of processes: its steps, bit for bit, and how long it took. For tests and benches. */
import { connect } from "@regulus/client";
import { type Fact, parseSearchDocument, type StrategyStepped, stepOutcome } from "@regulus/proto";
import { type Program, scratch, startProgram } from "./processes.js";

/** Short leases, so that a lost agent is noticed soon. */
const timing = ["--lease-timeout-ms", "3000", "--heartbeat-every-ms", "500"];

export interface MaidSearch {
  /** Agents of one slot each. */
  readonly agents: number;
  /** Parts of a search document. */
  readonly document: Readonly<Record<string, unknown>>;
  /** Kills an agent with -9, for good, once this many steps were told of; absent for no kill. */
  readonly killAfterSteps?: number;
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
  readonly kills: number;
}

/** Runs the search to its end. */
export async function runMaidSearch({
  agents,
  document,
  killAfterSteps,
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
    const { ready } = await start("coordinator", ["--listen", "127.0.0.1:0", "--metrics-listen", "off", ...data, ...timing]);
    const address = ready.address ?? "";
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
    let kills = 0;
    for await (const piece of client.watchSearch(search.searchId)) {
      facts.push(...piece.facts);
      if (killAfterSteps === undefined || kills > 0 || stepsOf(facts).length < killAfterSteps) continue;
      // The next attempt on it has begun, so that it dies in the midst of a round.
      const begun = piece.facts.some(({ kind }) => kind?.$case === "attemptStarted" && kind.value.agentId === "agent-0");
      if (!begun) continue;
      kills += 1;
      await running[0]?.kill();
    }
    client.close();
    const last = facts.findLast(({ kind }) => kind?.$case === "strategyStepped");
    const seconds = ((last?.timeMs ?? 0) - (facts[0]?.timeMs ?? 0)) / 1000;
    return { steps: stepsOf(facts), facts, seconds, kills };
  } finally {
    for (const program of started.reverse()) await program.kill();
    folder.remove();
  }
}

function stepsOf(facts: readonly Fact[]): StrategyStepped[] {
  return facts.flatMap(({ kind }) =>
    kind?.$case === "strategyStepped" && stepOutcome(kind.value) !== "news" ? [kind.value] : [],
  );
}
