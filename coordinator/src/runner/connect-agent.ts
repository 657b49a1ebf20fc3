/**
 * An agent's connection as the core sees it: checks who it is, and hands its registration, heartbeats and reports to the runner. Reports
 * are numbered; one that came before is left out, and a gap ends the connection.
 */
import { limits, protocolVersion, type Register, RegulusError } from "@regulus/proto";
import type { AgentConnection } from "../coordinator.js";
import type { OpenConnection } from "./agents.js";
import type { Runner } from "./runner.js";

/** How to speak to the agent, and what it is told when it registers. */
export interface AgentLink extends Pick<OpenConnection, "send" | "close"> {
  /** Version of this software. */
  readonly version: string;
  readonly heartbeatEveryMs: number;
  readonly leaseTimeoutMs: number;
}

/** Takes an agent's connection: registers it, and hands what it says to rounds. */
export function connectAgent(runner: Runner, register: Register, link: AgentLink): AgentConnection {
  const { send, close } = link;
  runner.assertTaking();
  const agentId = checkedAgentId(register, runner);
  const connection: OpenConnection = {
    send,
    close,
    instance: register.instance ?? "",
    specs: new Set(),
    received: 0,
    open: true,
  };
  runner.post(() =>
    runner.desk.register(register, connection, (revoked) => ({
      message: {
        $case: "registered",
        value: {
          version: link.version,
          heartbeatEveryMs: link.heartbeatEveryMs,
          leaseTimeoutMs: link.leaseTimeoutMs,
          revoked,
        },
      },
    })),
  );
  const mine = () => {
    const agent = connection.open ? runner.agents.get(agentId) : undefined;
    return agent?.connection === connection ? agent : undefined;
  };
  return {
    heartbeat: ({ active }) => {
      const agent = mine();
      if (agent !== undefined && runner.desk.confirm(agent, connection, active)) runner.agentsChanged();
    },
    reports: ({ firstSequence, reports }) => {
      if (!connection.open) return;
      if (firstSequence > connection.received + 1) {
        connection.open = false;
        close(`reports ${connection.received + 1} to ${firstSequence - 1} are missing; connect again and repeat them`);
        runner.agents.disconnect(agentId, connection);
        return;
      }
      const fresh = reports.slice(connection.received + 1 - firstSequence);
      connection.received += fresh.length;
      const through = connection.received;
      runner.post(() => {
        if (!connection.open) return;
        const agent = mine();
        if (agent !== undefined) agent.heardMs = runner.now;
        runner.desk.takeReports(agentId, connection, fresh, through);
      });
    },
    draining: () => {
      runner.post(() => {
        const agent = mine();
        if (agent !== undefined) agent.draining = true;
      });
    },
    closed: () => {
      connection.open = false;
      runner.agents.disconnect(agentId, connection);
      runner.agentsChanged();
    },
  };
}

function checkedAgentId(register: Register, runner: Runner): string {
  if (register.protocol !== protocolVersion) {
    throw new RegulusError(
      "failed-precondition",
      `the agent speaks protocol ${register.protocol}, this coordinator ${protocolVersion}; install the same release on both`,
    );
  }
  const agentId = register.agent?.agentId ?? "";
  if (agentId === "") throw RegulusError.invalid([{ field: "agent.agentId", seen: "nothing", expected: "the agent's id" }]);
  if (runner.agents.get(agentId) === undefined && runner.agents.views().length >= limits.agentsMax) {
    throw new RegulusError("exhausted", `${limits.agentsMax} agents are connected, which is the most that one coordinator takes`);
  }
  return agentId;
}
