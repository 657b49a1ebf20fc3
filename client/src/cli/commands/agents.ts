/** `regulus agents`: the agents that are connected, and what they do. */
import type { Agent } from "@regulus/proto";
import type { Command } from "commander";
import { formatSeconds } from "../../display/numbers.js";
import { type ConnectionOptions, withClient, withConnection } from "../connection.js";
import { note, table, writeJson, writeLine } from "../output.js";

export function registerAgents(program: Command): void {
  withConnection(program.command("agents").description("list connected agents: slots, backends, memory, labels"))
    .addHelpText("after", "\nExamples:\n  regulus agents\n  regulus agents --json\n")
    .action(agents);
}

async function agents(options: ConnectionOptions): Promise<void> {
  const found = await withClient(options, (client) => client.listAgents());
  if (options.json) writeJson({ agents: found });
  else if (found.length === 0)
    note(`no agents are connected; start one with: regulus agent --coordinator ${options.coordinator}`);
  else writeLine(table(["AGENT", "SLOTS", "BACKENDS", "GPU", "MEMORY", "ALLOWS", "LABELS", "HEARD"], found.map(row)));
}

function row(agent: Agent): string[] {
  const allows = [agent.allowsCommands ? "commands" : "", agent.allowsModules ? "modules" : ""].filter((word) => word !== "");
  const labels = Object.entries(agent.labels).map(([name, value]) => `${name}=${value}`);
  const heard = `${formatSeconds(Math.max(0, Math.round((Date.now() - agent.heardMs) / 1000)))} ago${agent.draining ? ", draining" : ""}`;
  const slots = `${agent.slotsUsed}/${agent.slots}`;
  const memory = `${(agent.memoryBytes / 2 ** 30).toFixed(1)} GiB`;
  return [
    agent.agentId,
    slots,
    agent.backends.join(" "),
    agent.gpu || "-",
    memory,
    allows.join(" ") || "-",
    labels.join(" "),
    heard,
  ];
}
