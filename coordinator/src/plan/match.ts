/** Which agents can run a search's trials, and in words what is missing where none can. Pure. */
import { counted, formatBytes, type SearchSpec } from "@regulus/proto";

/** What one trial of a search needs of an agent. */
export interface Needs {
  readonly slots: number;
  /** A backend that the agent must have; empty for any. */
  readonly backend: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Memory of the machine, in bytes; 0 for any. */
  readonly memoryBytes: number;
  /** Whether it runs a program of the user's own, or a module given by path. */
  readonly command: boolean;
  readonly module: boolean;
}

/** An agent as the planner sees it. */
export interface PlanAgent {
  readonly agentId: string;
  readonly slots: number;
  readonly slotsFree: number;
  readonly backends: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** 0 where the agent does not say. */
  readonly memoryBytes: number;
  readonly allowsCommands: boolean;
  readonly allowsModules: boolean;
}

/** The needs of a search's trials. */
export function needsOf(spec: SearchSpec): Needs {
  return {
    slots: Math.max(1, spec.resources?.slots ?? 1),
    backend: spec.resources?.backend ?? "",
    labels: spec.resources?.agentLabels ?? {},
    memoryBytes: spec.resources?.memoryBytes ?? 0,
    command: spec.command !== undefined,
    module: (spec.workload?.module ?? "") !== "",
  };
}

/** One thing that a trial needs, and whether an agent has it. */
interface Requirement {
  /** The field of the search that asks for it. */
  readonly field: string;
  /** What an agent has to have, as in "an agent that ...". */
  readonly words: string;
  /** What to do, or what there is instead; given the agents that take leases. */
  readonly help: (agents: readonly PlanAgent[]) => string;
  holds(agent: PlanAgent): boolean;
}

/** Why no agent could ever run a trial, and the field that asks for what they lack; empty for several fields or none. */
export interface Missing {
  readonly field: string;
  readonly reason: string;
}

/** Whether an agent could run a trial if all of its slots were free. */
export function canRun(agent: PlanAgent, needs: Needs): boolean {
  return requirements(needs).every((requirement) => requirement.holds(agent));
}

/** Why none of these agents could ever run a trial with such needs. */
export function missing(agents: readonly PlanAgent[], needs: Needs): Missing {
  if (agents.length === 0) return { field: "", reason: "no agent takes leases; start one (regulus agent)" };
  const all = requirements(needs);
  const lacking = all.filter((requirement) => !agents.some((agent) => requirement.holds(agent)));
  if (lacking.length > 0) {
    const reasons = lacking.map(({ words, help }) => `no connected agent ${words} (${help(agents)})`);
    return { field: lacking.length === 1 ? (lacking[0]?.field ?? "") : "", reason: reasons.join("; ") };
  }
  const together = all.map(({ words }) => words).join(" and ");
  return { field: "", reason: `some agent meets each of these, but no agent meets all: ${together}` };
}

/** Why a trial waits although these agents could run it. */
export function inUse(matching: readonly PlanAgent[], needs: Needs): string {
  const slots = matching.reduce((sum, agent) => sum + agent.slots, 0);
  const them =
    matching.length === 1 ? "the one agent that could run it" : `the ${counted(matching.length, "agent")} that could run it`;
  if (needs.slots > 1)
    return `needs ${counted(needs.slots, "slot")} of one agent; of the ${slots} of ${them} too many are in use`;
  return `all ${slots === 1 ? "slots" : counted(slots, "slot")} of ${them} are in use`;
}

function requirements(needs: Needs): Requirement[] {
  const all: Requirement[] = [
    {
      field: "spec.resources.slots",
      words: `has ${counted(needs.slots, "slot")}`,
      help: (agents) => `the largest has ${Math.max(...agents.map(({ slots }) => slots))}`,
      holds: (agent) => agent.slots >= needs.slots,
    },
  ];
  if (needs.backend !== "") {
    all.push({
      field: "spec.resources.backend",
      words: `has the backend ${needs.backend}`,
      help: (agents) => `they have ${[...new Set(agents.flatMap(({ backends }) => backends))].join(", ") || "none"}`,
      holds: (agent) => agent.backends.includes(needs.backend),
    });
  }
  for (const [name, value] of Object.entries(needs.labels)) {
    all.push({
      field: `spec.resources.agent_labels.${name}`,
      words: `has the label ${name}=${value}`,
      help: () => `start one with --label ${name}=${value}`,
      holds: (agent) => Object.hasOwn(agent.labels, name) && agent.labels[name] === value,
    });
  }
  if (needs.memoryBytes > 0) {
    all.push({
      field: "spec.resources.memory_bytes",
      words: `has ${formatBytes(needs.memoryBytes)} of memory`,
      help: (agents) => `the largest has ${(Math.max(...agents.map(({ memoryBytes }) => memoryBytes)) / 2 ** 30).toFixed(1)} GiB`,
      holds: (agent) => agent.memoryBytes === 0 || agent.memoryBytes >= needs.memoryBytes,
    });
  }
  if (needs.command) {
    const help = () => "start one with --allow-commands";
    all.push({ field: "spec.command", words: "allows commands", help, holds: (agent) => agent.allowsCommands });
  }
  if (needs.module) {
    const help = () => "start one with --allow-modules DIR";
    all.push({ field: "spec.workload.module", words: "allows modules", help, holds: (agent) => agent.allowsModules });
  }
  return all;
}
