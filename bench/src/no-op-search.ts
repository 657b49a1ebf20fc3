/**
 * A real cluster on this machine (a coordinator, two agents with many slots) and searches of no-op trials on it, for benches of the cluster
 * itself.
 */
import { connect, type RegulusClient } from "@regulus/client";
import { type Fact, parseSearchDocument } from "@regulus/proto";
import { type Program, startProgram } from "@regulus/test/cluster";

/** Agent processes, and slots of each. */
const agents = ["agent-0", "agent-1"];
const slots = 64;
export const slotsOfCluster = agents.length * slots;
/** How often a bench asks whether its search is over. */
const pollMs = 200;

export interface Cluster {
  readonly client: RegulusClient;
  /** Ends every process with -9. */
  kill(): Promise<void>;
}

/** Starts the cluster with its data below a folder. */
export async function startCluster(folder: string): Promise<Cluster> {
  const programs: Program[] = [];
  const kill = async (): Promise<void> => {
    for (const program of programs) await program.kill();
  };
  try {
    const coordinator = await startProgram("coordinator", [
      ...["--listen", "127.0.0.1:0", "--metrics-listen", "off", "--data", `${folder}/coordinator`, "--log-level", "warn"],
    ]);
    programs.push(coordinator);
    const address = coordinator.ready.address ?? "";
    for (const id of agents) {
      programs.push(
        await startProgram("agent", [
          ...["--coordinator", address, "--id", id, "--slots", String(slots), "--isolation", "inline", "--backend", "cpu"],
          ...["--data", `${folder}/${id}`, "--log-level", "warn"],
        ]),
      );
    }
    const client = connect(address);
    return {
      client,
      kill: async () => {
        client.close();
        await kill();
      },
    };
  } catch (error) {
    await kill();
    throw error;
  }
}

/** Runs one search of no-op trials and answers its facts. It is read once it is over, so that a watcher's cost is not in the figure. */
export async function noOpSearch(
  client: RegulusClient,
  options: { name: string; trials: number; delayMs: number; seed: number },
): Promise<Fact[]> {
  const spec = parseSearchDocument({
    name: options.name,
    workload: { name: "synthetic-function", options: { function: "noop", stepMs: options.delayMs } },
    objective: { metric: "validLoss", direction: "minimize" },
    strategy: "random",
    space: { x0: { type: "double", min: 0, max: 1 }, x1: { type: "double", min: 0, max: 1 } },
    budget: { trials: options.trials },
    parallelism: slotsOfCluster,
    seed: options.seed,
  });
  const { searchId } = await client.createSearch({ spec });
  while ((await client.getSearch(searchId)).status !== "SEARCH_STATUS_ENDED")
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  const facts: Fact[] = [];
  for await (const batch of client.watchSearch(searchId)) facts.push(...batch.facts);
  const last = facts.at(-1)?.kind;
  if (last?.$case !== "searchEnded" || last.value.outcome !== "SEARCH_OUTCOME_COMPLETED")
    throw new Error(`${options.name} did not complete`);
  return facts;
}
