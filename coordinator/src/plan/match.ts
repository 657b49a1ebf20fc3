/** Which agents can run a search's trials, and in words what is missing where none can. Pure. */
import type { SearchSpec } from "@regulus/proto";

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
  readonly words: string;
  holds(agent: PlanAgent): boolean;
}

/** Whether an agent could run a trial if all of its slots were free. */
export function canRun(agent: PlanAgent, needs: Needs): boolean {
  return requirements(needs).every((requirement) => requirement.holds(agent));
}

/** Why none of these agents could ever run a trial with such needs. */
export function missing(agents: readonly PlanAgent[], needs: Needs): string {
  if (agents.length === 0) return "no agent takes leases; start one (regulus agent)";
  const all = requirements(needs);
  const count = agents.length === 1 ? "the one connected agent" : `any of the ${agents.length} connected agents`;
  const alone = all.find((requirement) => !agents.some((agent) => requirement.holds(agent)));
  if (alone !== undefined) return `needs ${alone.words}, which ${count} does not have`;
  return `needs ${all.map((requirement) => requirement.words).join(" and ")}, which no agent has together`;
}

function requirements(needs: Needs): Requirement[] {
  const all: Requirement[] = [
    {
      words: `${needs.slots} ${needs.slots === 1 ? "slot" : "slots"} on one agent`,
      holds: (agent) => agent.slots >= needs.slots,
    },
  ];
  if (needs.backend !== "") {
    all.push({ words: `the backend ${needs.backend}`, holds: (agent) => agent.backends.includes(needs.backend) });
  }
  for (const [name, value] of Object.entries(needs.labels)) {
    all.push({ words: `the label ${name}=${value}`, holds: (agent) => agent.labels[name] === value });
  }
  if (needs.memoryBytes > 0) {
    const enough = (agent: PlanAgent) => agent.memoryBytes === 0 || agent.memoryBytes >= needs.memoryBytes;
    all.push({ words: `${needs.memoryBytes} bytes of memory`, holds: enough });
  }
  if (needs.command) all.push({ words: "leave to run commands (--allow-commands)", holds: (agent) => agent.allowsCommands });
  if (needs.module) all.push({ words: "leave to load modules (--allow-modules)", holds: (agent) => agent.allowsModules });
  return all;
}
