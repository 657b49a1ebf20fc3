/**
 * A coordinator and agents on this machine, over loopback and free ports: everything a search needs, as child processes. All data
 * lies in one folder that the caller gives and may remove after `close`.
 */
import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";
import { RegulusError } from "@regulus/proto";
import { type Child, endWords, mains, startChild } from "./child.js";

/** Time for children to end in good order, where the caller gives no other. */
const stopGraceMs = 8000;
/** Share of the machine's memory that trials may take together. */
const memoryShare = 0.8;

export interface ClusterOptions {
  /** Folder for the log, artifacts and scratch. It exists. */
  readonly folder: string;
  /** Agents, one slot each. Default: one a core. */
  readonly agents?: number;
  /** Address of the coordinator. Default: loopback, a free port. */
  readonly listen?: string;
  /** Further flags. */
  readonly coordinatorFlags?: readonly string[];
  readonly agentFlags?: readonly string[];
  /** Gets every log line with the name of the child that wrote it. */
  readonly onLog?: (name: string, line: string) => void;
}

/** A running cluster. */
export interface Cluster {
  /** host:port of the coordinator. */
  readonly address: string;
  /** Its processes: the coordinator, then the agents, whose names are their ids. */
  readonly processes: readonly { readonly name: string; readonly pid: number }[];
  /** Fails when a child ends that was not asked to, with its last log lines; never resolves. */
  readonly broken: Promise<never>;
  /** Agents first, so that they can give their work back, then the coordinator. */
  close(graceMs?: number): Promise<void>;
}

/** Starts a cluster and waits until every part is ready. Where one fails to start, those that run are ended. */
export async function startCluster(options: ClusterOptions, signal?: AbortSignal): Promise<Cluster> {
  const agentCount = options.agents ?? availableParallelism();
  const children: Child[] = [];
  let closing = false;
  const close = async (graceMs = stopGraceMs) => {
    closing = true;
    const [coordinator, ...agents] = children;
    await Promise.all(agents.map((agent) => agent.stop(graceMs)));
    await coordinator?.stop(graceMs);
  };
  const start = async (program: "coordinator" | "agent", name: string, flags: readonly string[]) => {
    const child = await startChild({ main: mains[program], name, flags, onLog: (line) => options.onLog?.(name, line) }, signal);
    children.push(child);
    return child;
  };
  try {
    const listen = ["--listen", options.listen ?? "127.0.0.1:0", "--metrics-listen", "off"];
    const coordinator = await start("coordinator", "coordinator", [
      ...listen,
      "--data",
      join(options.folder, "coordinator"),
      ...(options.coordinatorFlags ?? []),
    ]);
    const address = String(coordinator.ready.address);
    const memory = Math.floor((memoryShare * memoryBytes()) / agentCount);
    const starts = await Promise.allSettled(
      Array.from({ length: agentCount }, (_, index) => {
        const name = `agent-${index + 1}`;
        const own = ["--id", name, "--slots", "1", "--data", join(options.folder, name), "--memory-per-trial", String(memory)];
        return start("agent", name, ["--coordinator", address, ...own, ...(options.agentFlags ?? [])]);
      }),
    );
    const failed = starts.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    const broken = Promise.race(children.map(async (child) => diedOf(child, () => closing)));
    broken.catch(() => undefined); // Whoever waits for it hears of it; nobody has to.
    return { address, processes: children.map(({ name, pid }) => ({ name, pid })), broken, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function diedOf(child: Child, closing: () => boolean): Promise<never> {
  const end = await child.ended;
  if (closing()) return new Promise(() => undefined);
  const lines = child.lastLines().map((line) => `  ${line}`);
  throw new RegulusError("unavailable", [`${child.name} ended (${endWords(end)}); its last log lines:`, ...lines].join("\n"));
}

/** Memory of the machine, or of the control group where that is less. */
function memoryBytes(): number {
  const constrained = process.constrainedMemory() ?? 0;
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}
