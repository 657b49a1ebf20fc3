/** What is known of agents, against a plain model: whose connection counts, which slots are free, and when an agent is forgotten. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Agent, Register } from "@regulus/proto";
import fc from "fast-check";
import { Agents, type HeldLease, type OpenConnection } from "./agents.js";

interface Connection extends OpenConnection {
  readonly closedWith: string[];
}

function connection(): Connection {
  const closedWith: string[] = [];
  return {
    send: () => undefined,
    close: (reason) => void closedWith.push(reason),
    instance: "",
    specs: new Set(),
    received: 0,
    open: true,
    closedWith,
  };
}

const register = (agentId: string, slots: number) => Register.fromPartial({ agent: Agent.fromPartial({ agentId, slots }) });

function lease(agentId: string, trial: number, slots: number, confirmedMs = 0): HeldLease {
  const key = { searchId: "s", trial, attempt: 1 };
  const times = { confirmedMs, startedMs: 0, stopAskedMs: undefined };
  return { key, agentId, slots, resumeFrom: undefined, sent: true, sentTo: "", saidOver: false, ...times };
}

type Step =
  | { readonly kind: "connect" | "closeNewest" | "closeOldest" | "drain" | "rest"; readonly agent: number; readonly n: number }
  | { readonly kind: "hold" | "release" | "haunt"; readonly agent: number; readonly n: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    kind: fc.constantFrom<Step["kind"]>("connect", "closeNewest", "closeOldest", "drain", "rest", "hold", "release", "haunt"),
    agent: fc.integer({ min: 0, max: 2 }),
    n: fc.integer({ min: 0, max: 5 }),
  }),
  { minLength: 20, maxLength: 60, size: "max" },
);

test("the newest connection of an agent counts, its slots are those that nobody uses, and it is forgotten once nothing is left of it", () => {
  fc.assert(
    fc.property(steps, (taken) => {
      const agents = new Agents();
      /** By agent: connections in order, the one that counts, slots, leases by trial, and the slots that ghosts take. */
      const model = [0, 1, 2].map(() => ({
        made: [] as Connection[],
        current: undefined as Connection | undefined,
        slots: 0,
        leases: new Map<number, number>(),
        ghosts: 0,
        draining: false,
        resting: false,
      }));
      const owner = new Map<number, number>();
      for (const { kind, agent: number, n } of taken) {
        const id = `a${number}`;
        const known = model[number];
        assert.ok(known);
        const forget = () => {
          if (known.current === undefined && known.leases.size === 0)
            [known.ghosts, known.draining, known.resting] = [0, false, false];
        };
        if (kind === "connect") {
          const older = known.current;
          const fresh = connection();
          agents.connect(register(id, n), fresh, 1);
          if (older !== undefined) assert.deepEqual([older.open, older.closedWith.length], [false, 1]);
          assert.deepEqual([fresh.open, fresh.closedWith], [true, []]);
          known.made.push(fresh);
          Object.assign(known, { current: fresh, slots: n, draining: false, resting: false });
        } else if (kind === "closeNewest" || kind === "closeOldest") {
          const gone = kind === "closeNewest" ? known.made.at(-1) : known.made[0];
          if (gone === undefined) continue;
          agents.disconnect(id, gone);
          if (gone === known.current) known.current = undefined;
          forget();
        } else if (kind === "hold") {
          if (owner.has(n)) continue;
          agents.hold(lease(id, n, 1 + (n % 2)));
          owner.set(n, number);
          known.leases.set(n, 1 + (n % 2));
        } else if (kind === "release") {
          const from = owner.get(n);
          assert.equal(agents.release("s", n)?.agentId, from === undefined ? undefined : `a${from}`);
          const holder = from === undefined ? undefined : model[from];
          if (holder === undefined) continue;
          owner.delete(n);
          holder.leases.delete(n);
          if (holder.current === undefined && holder.leases.size === 0) {
            [holder.ghosts, holder.draining, holder.resting] = [0, false, false];
          }
        } else {
          const there = agents.get(id);
          if (there === undefined) continue;
          if (kind === "drain") there.draining = known.draining = true;
          else if (kind === "rest") there.resting = known.resting = true;
          else {
            there.ghosts.set(`g${known.ghosts}`, 1);
            known.ghosts += 1;
          }
        }
      }
      let free = 0;
      const forPlan = new Map(agents.forPlan().map((agent) => [agent.agentId, agent.slotsFree]));
      const views = new Map(agents.views().map((agent) => [agent.agentId, agent.slotsUsed]));
      for (const [number, known] of model.entries()) {
        const id = `a${number}`;
        const used = [...known.leases.values()].reduce((sum, slots) => sum + slots, 0);
        const slotsFree = known.resting ? 0 : Math.max(0, known.slots - used - known.ghosts);
        const takes = known.current !== undefined && !known.draining;
        assert.equal(agents.get(id) !== undefined, known.current !== undefined || known.leases.size > 0, `${id} is known`);
        assert.equal(agents.get(id)?.connection, known.current);
        assert.equal(forPlan.get(id), takes ? slotsFree : undefined);
        assert.equal(views.get(id), known.current === undefined ? undefined : used + known.ghosts);
        if (takes) free += slotsFree;
      }
      assert.equal(agents.slotsFree(), free);
      assert.equal(agents.leaseCount, owner.size);
      assert.equal(agents.connectedCount, model.filter(({ current }) => current !== undefined).length);
      for (const [trial, number] of owner) assert.equal(agents.lease("s", trial)?.agentId, `a${number}`);
    }),
  );
});

test("an agent that connects again gets a full timeout for each of its leases", () => {
  const agents = new Agents();
  agents.hold(lease("a", 1, 1, 10));
  agents.hold(lease("b", 2, 1, 10));
  const known = agents.connect(register("a", 2), connection(), 500);
  assert.deepEqual([known.heardMs, known.connectedMs], [500, 500]);
  assert.deepEqual([agents.lease("s", 1)?.confirmedMs, agents.lease("s", 2)?.confirmedMs], [500, 10]);
});

test("a clear closes every connection with its reason, once, and forgets all", () => {
  const agents = new Agents();
  const [one, two] = [connection(), connection()];
  agents.connect(register("a", 1), one, 1);
  agents.connect(register("b", 1), two, 1);
  agents.hold(lease("a", 1, 1));
  agents.clear("it ends");
  for (const { open, closedWith } of [one, two]) assert.deepEqual([open, closedWith], [false, ["it ends"]]);
  assert.deepEqual([agents.leaseCount, [...agents.all], agents.views(), agents.slotsFree()], [0, [], [], 0]);
});
