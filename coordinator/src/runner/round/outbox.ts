/**
 * Messages of a round, sent once its facts are durable: answers, acknowledgements, leases, stops, releases of artifacts. Collected while
 * the round decides, and delivered, or dropped, as a whole.
 */
import { type ArtifactRef, type ConnectResponse, type Lease, limits, numbersIn, type SearchSpec } from "@regulus/proto";
import type { HeldLease, OpenConnection } from "../agents/agents.js";
import type { Job } from "./inbox.js";

/** A caller that waits for the round. */
export interface Waiting {
  resolve(): void;
  readonly job: Job;
}

/** A lease to hand over. */
export interface OutgoingLease {
  readonly connection: OpenConnection;
  readonly held: HeldLease;
  readonly lease: Lease;
  readonly spec: SearchSpec;
}

/** Collects what a round says. */
export class Outbox {
  /** Callers of the round, in order. */
  readonly waiting: Waiting[] = [];
  readonly released: ArtifactRef[] = [];
  readonly #acknowledged = new Map<OpenConnection, number>();
  readonly #registered: { readonly connection: OpenConnection; readonly message: ConnectResponse }[] = [];
  readonly #leases = new Map<OpenConnection, OutgoingLease[]>();
  readonly #stops: { readonly connection: OpenConnection; readonly message: ConnectResponse }[] = [];

  /** An answer to a registration: goes out before everything else. */
  register(connection: OpenConnection, message: ConnectResponse): void {
    this.#registered.push({ connection, message });
  }

  acknowledge(connection: OpenConnection, throughSequence: number): void {
    this.#acknowledged.set(connection, throughSequence);
  }

  lease(lease: OutgoingLease): void {
    const leases = this.#leases.get(lease.connection);
    if (leases === undefined) this.#leases.set(lease.connection, [lease]);
    else leases.push(lease);
  }

  /** A stop goes out after the leases: it may be about one of them. */
  stop(connection: OpenConnection, message: ConnectResponse): void {
    this.#stops.push({ connection, message });
  }

  /** Says it all to the agents. Connections that are gone hear nothing; their agents come back and are told then. */
  deliver(): void {
    for (const { connection, message } of this.#registered) send(connection, message);
    for (const [connection, throughSequence] of this.#acknowledged) {
      send(connection, { message: { $case: "acknowledged", value: { throughSequence } } });
    }
    for (const [connection, leases] of this.#leases) {
      if (!connection.open) continue;
      for (const piece of pieces(leases))
        send(connection, { message: { $case: "leases", value: { leases: piece.map(withSpec) } } });
      for (const { held } of leases) {
        held.sent = true;
        held.sentTo = connection.instance;
      }
    }
    for (const { connection, message } of this.#stops) send(connection, message);
  }
}

/** Leases in messages that hold at most as many numbers as one work may; a message without any holds them all. */
function* pieces(leases: readonly OutgoingLease[]): Generator<readonly OutgoingLease[]> {
  let piece: OutgoingLease[] = [];
  let numbers = 0;
  for (const lease of leases) {
    const more = numbersIn(lease.lease.work?.vectors);
    if (piece.length > 0 && numbers + more > limits.vectorNumbersMax) {
      yield piece;
      piece = [];
      numbers = 0;
    }
    piece.push(lease);
    numbers += more;
  }
  yield piece;
}

/** A search's spec goes with its first lease on a connection. */
function withSpec({ connection, lease, spec }: OutgoingLease): Lease {
  const searchId = lease.key?.searchId ?? "";
  if (connection.specs.has(searchId)) return lease;
  connection.specs.add(searchId);
  return { ...lease, spec };
}

function send(connection: OpenConnection, message: ConnectResponse): void {
  if (connection.open) connection.send(message);
}
