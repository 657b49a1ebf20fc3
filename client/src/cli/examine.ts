/** Checks this machine: what Regulus needs, what it can use, and what is missing. Changes nothing but an empty scratch folder. */

import { execFile } from "node:child_process";
import { accessSync, constants, existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { defaults, RegulusError } from "@regulus/proto";
import { counted } from "../display/numbers.js";
import { mains } from "../processes/child.js";
import { type ConnectionOptions, withClient } from "./connection.js";

/** One thing that was looked at. */
export interface Finding {
  readonly name: string;
  /** Undefined for what could not be looked at, which is no fault. */
  readonly ok: boolean | undefined;
  /** What was seen, and what to do where it is not well. */
  readonly detail: string;
}

/** Starting four backends, one after the other, takes some seconds each. */
const agentDoctorMsMax = 120_000;
/** Programs that Regulus works with where they are there, and what for. */
const servers: readonly (readonly [string, string])[] = [
  ["nats-server", "events on NATS (--nats), tests"],
  ["prometheus", "collecting metrics, tests"],
];

export async function examine(options: ConnectionOptions & { readonly data: string }): Promise<readonly Finding[]> {
  const [agent, coordinator] = await Promise.all([askAgent(options.data), lookAtCoordinator(options)]);
  // A coordinator that answers is a good reason for a port to be taken.
  const ours = coordinator.ok === true && options.coordinator === defaults.address;
  const port = await lookAtPort(7711, { ours, instead: "regulus up --listen 127.0.0.1:0" });
  const metricsPort = await lookAtPort(7712, { ours, instead: "regulus up --metrics-listen off" });
  return [lookAtNode(), ...agent, lookAtData(options.data), coordinator, port, metricsPort, ...servers.map(lookAtServer)];
}

function lookAtNode(): Finding {
  const [major = 0] = process.versions.node.split(".").map(Number);
  return { name: "node", ok: major >= 20, detail: `${process.version}; 20.11 or newer is needed` };
}

/** What the agent's own program says. It looks at a scratch folder, so that asking leaves nothing behind. */
async function askAgent(data: string): Promise<readonly Finding[]> {
  const main = fileURLToPath(mains.agent);
  if (!existsSync(main)) return [{ name: "agent", ok: false, detail: `${main} is missing; build it with: npm run build` }];
  const scratch = mkdtempSync(join(tmpdir(), "regulus-doctor-"));
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [main, "--data", scratch, "doctor", "--json"], {
      timeout: agentDoctorMsMax,
    });
    const findings: unknown = JSON.parse(stdout);
    // The folder and the coordinator are looked at here, as the options of this command say.
    return Array.isArray(findings)
      ? findings.filter(isFinding).filter(({ name }) => name !== "data folder" && name !== "coordinator")
      : [];
  } catch (thrown) {
    return [{ name: "agent", ok: false, detail: `its doctor failed for ${data}: ${RegulusError.from(thrown).message}` }];
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function isFinding(value: unknown): value is Finding {
  return (
    typeof value === "object" &&
    value !== null &&
    "name" in value &&
    typeof value.name === "string" &&
    "ok" in value &&
    "detail" in value
  );
}

async function lookAtCoordinator(options: ConnectionOptions): Promise<Finding> {
  const name = "coordinator";
  try {
    const agents = await withClient(options, (client) => client.listAgents());
    const slots = agents.reduce((sum, agent) => sum + agent.slots, 0);
    return {
      name,
      ok: true,
      detail: `answers at ${options.coordinator}; ${counted(agents.length, "agent")} with ${counted(slots, "slot")}`,
    };
  } catch (thrown) {
    return { name, ok: false, detail: RegulusError.from(thrown).message };
  }
}

/** Whether a port is free, by taking it for a moment. */
export function lookAtPort(
  port: number,
  { ours, instead }: { readonly ours: boolean; readonly instead: string },
): Promise<Finding> {
  const name = `port ${port}`;
  return new Promise((resolve_) => {
    const server = createServer();
    server.once("error", (error) => {
      const { code, message } = RegulusError.from(error);
      const taken = code === "failed-precondition";
      if (taken && ours) resolve_({ name, ok: true, detail: "in use while a coordinator answers here" });
      else resolve_({ name, ok: false, detail: taken ? `in use by another program; instead: ${instead}` : message });
    });
    server.listen(port, "127.0.0.1", () => server.close(() => resolve_({ name, ok: true, detail: "free" })));
  });
}

/** Whether the folder, or the nearest one above it that exists, can be written. */
export function lookAtData(folder: string): Finding {
  let there = resolve(folder);
  while (!existsSync(there) && dirname(there) !== there) there = dirname(there);
  try {
    accessSync(there, constants.W_OK);
    return { name: "data folder", ok: true, detail: `${folder} can be ${there === resolve(folder) ? "written" : "made"}` };
  } catch {
    return { name: "data folder", ok: false, detail: `${there} can't be written; name another folder with --data` };
  }
}

export function lookAtServer([program, use]: readonly [string, string]): Finding {
  const found = (process.env.PATH ?? "")
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find((path) => existsSync(path));
  return { name: program, ok: found !== undefined, detail: found ?? `not found; only for ${use}` };
}
