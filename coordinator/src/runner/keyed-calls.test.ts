/** Calls that carry a key, of every method that takes one, in any order and over restarts: the same call again, and another one under a used key. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CreateSearchRequest, EndReason, ExtendSearchRequest, RegulusError, RetryTrialsRequest } from "@regulus/proto";
import fc from "fast-check";
import { ScriptedCoordinator, specOf, start } from "./testing/scripted-coordinator.js";

/** Bodies of the three methods. */
const bodies = {
  create: [{ budget: { trials: 5 } }, { budget: { trials: 6 } }, { name: "other", budget: { trials: 5 } }],
  extend: [{ trials: 1 }, { trials: 2 }, { failures: 1 }, { trials: 1, failures: 1 }],
  retry: [{ trials: [] }, { trials: [0] }, { trials: [1] }, { trials: [0, 1] }, { trials: [2, 2] }],
} as const;
type Method = keyof typeof bodies;

const call = fc.oneof(
  ...(["create", "extend", "retry"] as const).map((method) =>
    fc.record({
      method: fc.constant<Method>(method),
      body: fc.nat(bodies[method].length - 1),
      key: fc.constantFrom("", "a", "b"),
      restart: fc.boolean(),
    }),
  ),
);

/** Makes a call. Answers what has to be the same where it is repeated. */
async function make(at: ScriptedCoordinator, searchId: string, method: Method, body: number, idempotencyKey: string) {
  const { coordinator } = at;
  if (method === "create") {
    const spec = specOf(bodies.create[body]);
    const request = CreateSearchRequest.fromPartial({ idempotencyKey, validateOnly: false });
    return (await at.answer(coordinator.createSearch({ ...request, spec }))).searchId;
  }
  if (method === "extend") {
    const request = ExtendSearchRequest.fromPartial({ searchId, idempotencyKey, ...bodies.extend[body] });
    return (await at.answer(coordinator.extendSearch(request))).searchId;
  }
  const trials = [...(bodies.retry[body]?.trials ?? [])];
  const request = RetryTrialsRequest.fromPartial({ searchId, idempotencyKey, trials });
  return (await at.answer(coordinator.retryTrials(request))).trials.join();
}

/** A search of three trials that failed and one that runs. */
async function searchWithFailures(at: ScriptedCoordinator): Promise<string> {
  at.proposals = (asked) => (asked === 1 ? [start(0.1), start(0.2), start(0.3), start(0.4)] : []);
  const hand = at.hand("hand", [], { slots: 4 });
  const budget = { trials: 100, failures: 100 };
  const { searchId } = await at.answer(at.create({ budget, parallelism: 4, retries: { max: 0 } }));
  await at.advance(10);
  for (const lease of hand.leases.slice(0, 3)) {
    hand.finish(lease, EndReason.END_REASON_USER_ERROR, { message: `fault ${lease.key?.trial}` });
  }
  await at.advance(10);
  return searchId;
}

test("a repeated call with a key is answered like the first and changes nothing; another call with that key is refused", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 12 }), async (calls) => {
      const at = new ScriptedCoordinator();
      await at.openVirtual();
      const searchId = await searchWithFailures(at);
      // What a key stands for: keys of creations are the coordinator's, those of other calls their search's.
      const first = new Map<string, { readonly asked: string; readonly answer: string }>();
      const positions = async () => (await Promise.all([...(await at.log.searches())].map((id) => at.factsOf(id)))).flat().length;
      for (const { method, body, key, restart } of calls) {
        if (restart) {
          await at.answer(at.close());
          await at.openVirtual();
        }
        const place = method === "create" ? `create ${key}` : `search ${key}`;
        const asked = `${method} ${body}`;
        const known = key === "" ? undefined : first.get(place);
        const before = await positions();
        const answer = await make(at, searchId, method, body, key).catch((thrown: unknown) => RegulusError.from(thrown).code);
        if (known === undefined) {
          // A fresh call may be refused, for example since a trial runs again; then its key stands for nothing.
          if (answer !== "failed-precondition" && key !== "") first.set(place, { asked, answer });
          assert.notEqual(answer, "already-exists", asked);
        } else {
          assert.equal(answer, known.asked === asked ? known.answer : "already-exists", `${asked} after ${known.asked}`);
          assert.equal(await positions(), before, "nothing is written");
        }
      }
      await at.answer(at.close());
    }),
    { numRuns: 60 },
  );
});
