/** A link to a scripted coordinator, and what both of them heard. */
import { after } from "node:test";
import type { LeaseKey, Report } from "@regulus/proto";
import { AgentServiceClient } from "@regulus/transport";
import { pino } from "pino";
import { TestCoordinator } from "../../testing/test-coordinator.js";
import { channelCredentials, streamOptions } from "../channel.js";
import { Link, type LinkHandler } from "../link.js";

export const closing: (() => void)[] = [];

after(() => {
  for (const close of closing.reverse()) close();
});

export const key: LeaseKey = { searchId: "s", trial: 0, attempt: 1 };

export const finding = (message: string): Report => ({
  lease: key,
  event: { $case: "found", value: { source: "t", severity: "info", message } },
});

export const words = (reports: readonly Report[]) =>
  reports.map(({ event }) => (event?.$case === "found" ? event.value.message : ""));

export interface Logged {
  readonly waitMs?: number;
  readonly code?: string;
  readonly msg: string;
}

export function startLink(
  address: string,
  more: Partial<LinkHandler> = {},
  options: { registrationMsMax?: number; secure?: boolean } = {},
) {
  const logged: Logged[] = [];
  const clients: AgentServiceClient[] = [];
  const closed = new Set<AgentServiceClient>();
  const leases: [number, string][] = [];
  const handler: LinkHandler = {
    registration: () => ({ agent: undefined, protocol: 1, active: [key] }),
    active: () => [key],
    registered: () => undefined,
    lease: (lease, spec) => void leases.push([lease.key?.trial ?? -1, spec.name]),
    stop: () => undefined,
    output: async () => undefined,
    ...more,
  };
  const link = new Link({
    artifactBytes: () => 7,
    openClient: () => {
      const client = new AgentServiceClient(address, channelCredentials({}), streamOptions);
      clients.push(client);
      const close = client.close.bind(client);
      client.close = () => {
        closed.add(client);
        close();
      };
      return client;
    },
    handler,
    log: pino({ level: "warn" }, { write: (line: string) => void logged.push(JSON.parse(line)) }),
    address,
    ...options,
  });
  closing.push(() => link.close());
  link.start();
  return { link, leases, logged, open: () => clients.filter((client) => !closed.has(client)).length };
}

export async function startCoordinator(options: Parameters<typeof TestCoordinator.start>[0] = {}): Promise<TestCoordinator> {
  const coordinator = await TestCoordinator.start(options);
  closing.push(() => coordinator.close());
  return coordinator;
}
