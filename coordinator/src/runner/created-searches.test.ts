/** A search as it is created: what is asked for twice, filled in, refused, or only checked. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { RegulusError } from "@regulus/proto";
import { ScriptedCoordinator, specOf } from "./testing/scripted-coordinator.js";

let at: ScriptedCoordinator;

beforeEach(async () => {
  at = new ScriptedCoordinator();
  await at.open();
});
afterEach(() => at.close());

const code =
  (expected: RegulusError["code"], words = /./) =>
  (thrown: unknown) =>
    thrown instanceof RegulusError && thrown.code === expected && words.test(thrown.message);

describe("the creation of a search", () => {
  it("answers a repeated request with the first search, and refuses the key for another spec", async () => {
    const [first, second] = await Promise.all([at.create({}, "key"), at.create({}, "key")]);
    assert.equal(first.searchId, second.searchId);
    await at.close();
    await at.open();
    assert.equal((await at.create({}, "key")).searchId, first.searchId);
    await assert.rejects(at.create({ parallelism: 3 }, "key"), code("already-exists"));
    assert.notEqual((await at.create()).searchId, first.searchId);
  });

  it("draws a seed where the file has none, keeps it for the log and for a repeated request, and takes 0 as it is given", async () => {
    const seedIn = async (searchId: string) => {
      const [created] = await at.factsOf(searchId);
      return created?.kind?.$case === "searchCreated" ? created.kind.value.spec?.seed : undefined;
    };
    const [first, second] = [await at.create({}, "one"), await at.create({}, "two")];
    assert.deepEqual([first.spec?.seed, second.spec?.seed], [1, 2]);
    assert.equal(await seedIn(second.searchId), 2);
    assert.equal((await at.create({}, "two")).searchId, second.searchId);
    assert.equal((await at.create({ seed: 2 }, "two")).searchId, second.searchId, "its own seed, given by name");
    await assert.rejects(at.create({ seed: 0 }, "two"), code("already-exists"));
    const zero = await at.create({ seed: 0 }, "zero");
    assert.deepEqual([zero.spec?.seed, await seedIn(zero.searchId), at.seedsDrawn], [0, 0, 2]);
  });

  it("keeps for the log how many configurations there are to try, where there is an end of them", async () => {
    const toTry = async (space: Record<string, unknown>, strategy: unknown = "random") => {
      const { searchId } = await at.create({ space, strategy });
      const [created] = await at.factsOf(searchId);
      return created?.kind?.$case === "searchCreated" ? created.kind.value.configurations : assert.fail("it is created");
    };
    const rate = { type: "double", min: 0, max: 1 };
    const batch = { type: "categorical", choices: [16, 32, 64] };
    assert.equal(await toTry({ rate }), undefined);
    assert.equal(await toTry({ batch, flip: { type: "boolean" } }), 6);
    assert.equal(await toTry({ rate, batch }, { name: "grid", options: { steps: 4 } }), 12);
  });

  it("refuses wrong specs with every problem and only checks where asked to", async () => {
    const spec = { ...specOf(), parallelism: 1_000_000, seed: -1 };
    await assert.rejects(at.coordinator.createSearch({ spec, idempotencyKey: "", validateOnly: false }), (thrown) => {
      assert.ok(thrown instanceof RegulusError && thrown.code === "invalid-argument");
      assert.deepEqual(thrown.problems.map((problem) => problem.field).sort(), ["parallelism", "seed"]);
      return true;
    });
    const dry = await at.coordinator.createSearch({ spec: specOf(), idempotencyKey: "", validateOnly: true });
    assert.deepEqual([dry.searchId, dry.spec?.retries?.max], ["", 3]);
    assert.deepEqual(await at.log.searches(), []);
  });
});
