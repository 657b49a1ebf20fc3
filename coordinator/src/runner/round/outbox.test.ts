/** What a round says once it is durable: in which order, in how large messages, and to whom. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ConnectResponse, EndReason, Lease, limits, SearchSpec } from "@regulus/proto";
import fc from "fast-check";
import type { HeldLease, OpenConnection } from "../agents/agents.js";
import { Outbox } from "./outbox.js";

interface Connection extends OpenConnection {
  readonly heard: ConnectResponse[];
}

function connection(instance: string): Connection {
  const heard: ConnectResponse[] = [];
  const send = (message: ConnectResponse) => void heard.push(message);
  return { send, close: () => undefined, instance, specs: new Set(), received: 0, open: true, heard };
}

function held(searchId: string, trial: number): HeldLease {
  const times = { confirmedMs: 0, startedMs: 0, stopAskedMs: undefined };
  const key = { searchId, trial, attempt: 1 };
  return { key, agentId: "a", slots: 1, resumeFrom: undefined, sent: false, sentTo: "", saidOver: false, ...times };
}

function leaseOf({ key }: HeldLease, numbers: number): Lease {
  const vectors = numbers < 0 ? {} : { z: { values: new Array<number>(numbers).fill(1) } };
  return { ...Lease.fromPartial({ key, work: { procedure: "fit", vectors } }), spec: undefined };
}

const spec = (name: string) => SearchSpec.fromPartial({ name });
const stop: ConnectResponse = {
  message: { $case: "stopAttempt", value: { lease: undefined, reason: EndReason.END_REASON_LOST, message: "" } },
};
const casesOf = ({ heard }: Connection) => heard.map(({ message }) => message?.$case);
const piecesOf = ({ heard }: Connection) =>
  heard.flatMap(({ message }) => (message?.$case === "leases" ? [message.value.leases] : []));

test("an agent hears that it is registered, what is acknowledged, its leases and then its stops", () => {
  const outbox = new Outbox();
  const [one, two] = [connection("p"), connection("q")];
  outbox.stop(one, stop);
  outbox.lease({ connection: one, held: held("s", 0), lease: leaseOf(held("s", 0), -1), spec: spec("s") });
  outbox.acknowledge(one, 3);
  outbox.acknowledge(two, 9);
  outbox.acknowledge(one, 5);
  outbox.register(one, {
    message: { $case: "registered", value: { version: "", heartbeatEveryMs: 1, leaseTimeoutMs: 1, revoked: [] } },
  });
  assert.deepEqual([one.heard, two.heard], [[], []], "nothing before the round is durable");
  outbox.deliver();
  assert.deepEqual(casesOf(one), ["registered", "acknowledged", "leases", "stopAttempt"]);
  assert.deepEqual(one.heard[1]?.message, { $case: "acknowledged", value: { throughSequence: 5 } });
  assert.deepEqual(two.heard, [{ message: { $case: "acknowledged", value: { throughSequence: 9 } } }]);
});

test("a connection that is gone hears nothing, and its leases count as not sent", () => {
  const outbox = new Outbox();
  const [gone, here] = [connection("p"), connection("q")];
  const [lost, given] = [held("s", 0), held("s", 1)];
  outbox.lease({ connection: gone, held: lost, lease: leaseOf(lost, -1), spec: spec("s") });
  outbox.lease({ connection: here, held: given, lease: leaseOf(given, -1), spec: spec("s") });
  outbox.stop(gone, stop);
  outbox.acknowledge(gone, 1);
  gone.open = false;
  outbox.deliver();
  assert.deepEqual(gone.heard, []);
  assert.deepEqual([lost.sent, lost.sentTo, given.sent, given.sentTo], [false, "", true, "q"]);
});

test("leases go in order, in messages of at most so many numbers, each search's spec once a connection", () => {
  const drawn = fc.array(
    fc.record({ search: fc.constantFrom("s", "t"), share: fc.constantFrom(-1, 0, 0.2, 0.5, 1), to: fc.nat(1) }),
    { minLength: 1, maxLength: 20 },
  );
  fc.assert(
    fc.property(drawn, drawn, (first, second) => {
      const connections = [connection("p"), connection("q")] as const;
      for (const round of [first, second]) {
        const outbox = new Outbox();
        for (const [trial, { search, share, to }] of round.entries()) {
          const lease = held(search, trial);
          const numbers = Math.floor(share * limits.vectorNumbersMax);
          outbox.lease({
            connection: connections[to === 0 ? 0 : 1],
            held: lease,
            lease: leaseOf(lease, numbers),
            spec: spec(search),
          });
        }
        outbox.deliver();
      }
      for (const [index, one] of connections.entries()) {
        const expected = [first, second].flatMap((round) =>
          round.flatMap(({ search, to }, trial) => (to === index ? [`${search}/${trial}`] : [])),
        );
        const leases = piecesOf(one).flat();
        assert.deepEqual(
          leases.map(({ key }) => `${key?.searchId}/${key?.trial}`),
          expected,
        );
        const firsts = new Set<string>();
        for (const { key, spec: given } of leases) {
          const search = key?.searchId ?? "";
          assert.equal(given?.name, firsts.has(search) ? undefined : search);
          firsts.add(search);
        }
        for (const piece of piecesOf(one)) {
          assert.ok(piece.length > 0);
          const numbers = piece.map(({ work }) => work?.vectors.z?.values.length ?? 0);
          const sum = numbers.reduce((total, more) => total + more, 0);
          assert.ok(piece.length === 1 || sum <= limits.vectorNumbersMax, `${numbers}`);
        }
      }
    }),
    { numRuns: 30 },
  );
});

test("leases that fit together go in one message", () => {
  const outbox = new Outbox();
  const one = connection("p");
  for (const [trial, numbers] of [limits.vectorNumbersMax / 2, limits.vectorNumbersMax / 2, -1, 1, -1].entries()) {
    const lease = held("s", trial);
    outbox.lease({ connection: one, held: lease, lease: leaseOf(lease, numbers), spec: spec("s") });
  }
  outbox.deliver();
  assert.deepEqual(
    piecesOf(one).map((piece) => piece.map(({ key }) => key?.trial)),
    [
      [0, 1, 2],
      [3, 4],
    ],
  );
});
