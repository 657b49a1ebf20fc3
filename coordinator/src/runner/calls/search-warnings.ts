/** Warnings about an accepted search for its owner. Pure. */
import type { SearchSpec, Warning } from "@regulus/proto";
import { canRun, missing, needsOf, type PlanAgent } from "../../plan/match.js";

/** Warnings about a search with its defaults filled in. `agents`: those that take leases now. */
export function searchWarnings(spec: SearchSpec, agents: readonly PlanAgent[]): Warning[] {
  return [...objectiveWarnings(spec), ...agentWarnings(spec, agents)];
}

function objectiveWarnings({ objectives }: SearchSpec): Warning[] {
  const [first, ...others] = objectives;
  if (others.length === 0) return [];
  const names = others.map(({ metric }) => metric).join(", ");
  const message = `only ${first?.metric} is searched for; ${names} ${others.length === 1 ? "is" : "are"} recorded and has no influence`;
  return [{ field: "objectives[1]", message: others.length === 1 ? message : message.replace("has no", "have no") }];
}

function agentWarnings(spec: SearchSpec, agents: readonly PlanAgent[]): Warning[] {
  const needs = needsOf(spec);
  if (agents.some((agent) => canRun(agent, needs))) return [];
  if (agents.length === 0)
    return [{ field: "", message: "no agent is connected, so no trial can start before one is (regulus agent)" }];
  const { field, reason } = missing(agents, needs);
  return [{ field, message: `no trial can start now: ${reason}` }];
}
