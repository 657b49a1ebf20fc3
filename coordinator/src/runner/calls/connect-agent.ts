/**
 * An agent's connection as the core sees it: checks who it is, and hands its registration, heartbeats and reports to the runner. Reports
 * are numbered; one that came before is left out, and a gap ends the connection.
 */
import { limits, protocolVersion, type Register, RegulusError, type Report } from "@regulus/proto";
import type { AgentConnection } from "../../coordinator.js";
import type { ArtifactStore } from "../../ports.js";
import type { OpenConnection } from "../agents/agents.js";
import { checkArtifacts, nameArtifacts } from "../artifacts/reported-artifacts.js";
import type { Runner } from "../round/runner.js";
import type { OutputDesk } from "./output-desk.js";

/** How to speak to the agent, and what it is told when it registers. */
export interface AgentLink extends Pick<OpenConnection, "send" | "close"> {
  /** Version of this software. */
  readonly version: string;
  readonly heartbeatEveryMs: number;
  readonly leaseTimeoutMs: number;
  /** Where what agents report has to be. */
  readonly artifacts: ArtifactStore;
  /** Takes the outputs that it was asked for. */
  readonly outputs: OutputDesk;
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
  const closeWith = (reason: string): void => {
    if (!connection.open) return;
    connection.open = false;
    close(reason);
    runner.agents.disconnect(agentId, connection);
  };
  /** The newest check of reports that is under way. */
  let checking: Promise<void> | undefined;
  return {
    heartbeat: ({ active, artifactBytes }) => {
      const agent = mine();
      if (agent !== undefined) runner.desk.noteArtifactBytes(agent, artifactBytes);
      if (agent !== undefined && runner.desk.confirm(agent, connection, active)) runner.agentsChanged();
    },
    reports: ({ firstSequence, reports }) => {
      if (!connection.open) return;
      if (firstSequence > connection.received + 1) {
        closeWith(`reports ${connection.received + 1} to ${firstSequence - 1} are missing; connect again and repeat them`);
        return;
      }
      const fresh = reports.slice(connection.received + 1 - firstSequence);
      connection.received += fresh.length;
      const through = connection.received;
      const take = (checked: readonly Report[], taken: () => void = () => undefined): void =>
        runner.post(() => {
          if (connection.open) {
            const agent = mine();
            if (agent !== undefined) agent.heardMs = runner.now;
            runner.desk.takeReports(agentId, connection, checked, through);
          }
          taken();
        });
      // In order: what names no artifact waits only behind what does.
      if (checking === undefined && !nameArtifacts(fresh)) {
        take(fresh);
        return;
      }
      const check = (checking ?? Promise.resolve()).then(async () => {
        const { reports: checked, release } = await checkArtifacts(fresh, link.artifacts, runner.ledger);
        take(checked, release);
      });
      const mineToEnd = check
        .catch((thrown: unknown) => closeWith(`artifacts could not be checked: ${RegulusError.from(thrown).message}`))
        .finally(() => {
          if (checking === mineToEnd) checking = undefined;
        });
      checking = mineToEnd;
    },
    output: (piece) => {
      if (connection.open) link.outputs.answer(connection, piece);
    },
    draining: (reason) => {
      runner.post(() => {
        const agent = mine();
        if (agent === undefined) return;
        agent.draining = true;
        runner.notify({ message: `agent takes no more leases: ${reason}`, fields: { agentId, leases: agent.leases.size } });
      });
    },
    closed: () => {
      const agent = mine();
      if (agent !== undefined) runner.notify({ message: "agent left", fields: { agentId, leases: agent.leases.size } });
      connection.open = false;
      link.outputs.closed(connection);
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
  if (runner.agents.get(agentId) === undefined && runner.agents.connectedCount >= limits.agentsMax) {
    throw new RegulusError("exhausted", `${limits.agentsMax} agents are connected, which is the most that one coordinator takes`);
  }
  return agentId;
}
