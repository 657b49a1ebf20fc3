/** Checks what this machine can do as an agent, the way an agent does: backends, permissions, memory, the coordinator. */
import { accessSync, constants, existsSync, mkdirSync } from "node:fs";
import { counted } from "@regulus/proto";
import { AgentServiceClient } from "@regulus/transport";
import { residentBytes } from "./attempts/process-memory.js";
import { Spares } from "./attempts/spares.js";
import { gpuName } from "./facts/gpu.js";
import { machineMemoryBytes } from "./facts/machine-memory.js";
import { channelCredentials, channelOptions } from "./link/channel.js";
import { reachable } from "./link/link.js";
import { type AgentOptions, backendPreferences } from "./options.js";

/** Longest wait for the coordinator, in milliseconds. */
const reachMsMax = 5000;
/** Heap of a process that only looks for a backend, in bytes. */
const probeBytes = 512 * 2 ** 20;

/** One thing that was looked at. */
export interface Finding {
  /** What: backend wasm, memory ... */
  readonly name: string;
  readonly ok: boolean;
  /** What was seen, and what to do where it is not well. */
  readonly detail: string;
}

export async function doctor(options: AgentOptions): Promise<readonly Finding[]> {
  const [backends, gpu, coordinator] = await Promise.all([lookAtBackends(options), gpuName(), lookAtCoordinator(options)]);
  return [
    ...backends,
    { name: "gpu", ok: gpu !== "", detail: gpu || "nvidia-smi finds none; trials run on the CPU" },
    lookAtMemory(options),
    lookAtData(options.data),
    permission("commands", options.allowCommands, "--allow-commands lets searches run programs of their own"),
    permission(
      "modules",
      options.allowModules !== undefined,
      "--allow-modules DIR lets searches load workload modules",
      options.allowModules,
    ),
    coordinator,
  ];
}

export function printDoctor(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map((finding) => finding.name.length));
  return `${findings.map(({ name, ok, detail }) => `${ok ? "yes" : "no "}  ${name.padEnd(width)}  ${detail}`).join("\n")}\n`;
}

/** Each backend in a process of its own, one after the other: they do not share one well. */
async function lookAtBackends(options: AgentOptions): Promise<Finding[]> {
  const spares = new Spares(options.trialMain ?? new URL("./trial/main.js", import.meta.url));
  const findings: Finding[] = [];
  for (const backend of backendPreferences) {
    if (backend === "auto") continue;
    const process = spares.prepare({ backend, memoryBytes: probeBytes });
    const said = await process.prepared;
    process.child.kill("SIGKILL");
    const detail = said?.reason ?? (process.stderr() || "the process ended without output");
    findings.push({ name: `backend ${backend}`, ok: said?.kind === "ready", detail });
  }
  spares.close();
  return findings;
}

function lookAtMemory(options: AgentOptions): Finding {
  const bytes = machineMemoryBytes();
  const watched = residentBytes(process.pid) !== undefined;
  const how = watched ? "trials are watched by /proc" : "there is no /proc, so only the heap limit of a trial process holds";
  const each = options.memoryPerTrialBytes || Math.floor((bytes * 0.9) / options.slots);
  return {
    name: "memory",
    ok: watched,
    detail: `${gib(bytes)} GiB, ${gib(each)} GiB a trial at ${counted(options.slots, "slot")}; ${how}`,
  };
}

function lookAtData(folder: string): Finding {
  try {
    if (!existsSync(folder)) mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
    return { name: "data folder", ok: true, detail: `${folder} can be written` };
  } catch (error) {
    return {
      name: "data folder",
      ok: false,
      detail: `${folder}: ${error instanceof Error ? error.message : String(error)}; give another one with --data`,
    };
  }
}

function permission(name: string, allowed: boolean, how: string, what = ""): Finding {
  return { name, ok: allowed, detail: allowed ? `allowed${what === "" ? "" : ` below ${what}`}` : `not allowed; ${how}` };
}

async function lookAtCoordinator(options: AgentOptions): Promise<Finding> {
  const client = new AgentServiceClient(options.coordinator, channelCredentials(options.tls), channelOptions);
  const problem = await reachable(client, reachMsMax);
  client.close();
  const detail =
    problem === undefined ? `${options.coordinator} answers` : `${options.coordinator}: ${problem.message}; is it started?`;
  return { name: "coordinator", ok: problem === undefined, detail };
}

function gib(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(1);
}
