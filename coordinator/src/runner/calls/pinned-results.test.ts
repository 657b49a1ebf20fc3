/** What other searches left is pinned when a search is created: whatever becomes of them, it is there until that search is deleted. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EndReason, RegulusError } from "@regulus/proto";
import { artifactGraceMs, orphanAgeMs } from "../artifacts/artifact-ledger.js";
import { measurement } from "../testing/hand.js";
import { once, ScriptedCoordinator, start } from "../testing/scripted-coordinator.js";

const kinds = ["predictions-valid"];
/** A strategy that takes what other searches left. */
const strategy = { name: "ensemble", options: { members: 0 } };

/** A coordinator on virtual time whose search `first` has ended: three trials, of which the first and the last left predictions. */
async function opened() {
  const at = new ScriptedCoordinator();
  at.proposals = once(start(0.1), start(0.2), start(0.3));
  await at.openVirtual(1e9);
  const hand = at.hand("hand", [], { slots: 4 });
  const { searchId } = await at.answer(at.create({ name: "first", parallelism: 3, budget: { trials: 3 } }));
  await at.advance(10);
  for (const [trial, loss, name] of [
    [0, 1, "of trial 0"],
    [1, 0.1, undefined],
    [2, 0.5, "of trial 2"],
  ] as const) {
    const lease = hand.leases.find(({ key }) => key?.trial === trial);
    const artifacts = name === undefined ? [] : [await at.put(name, "predictions-valid")];
    hand.finish(lease, EndReason.END_REASON_DONE, { final: measurement(10, { loss }), artifacts });
  }
  await at.advance(10);
  assert.equal(at.coordinator.getSearch(searchId).outcome, "SEARCH_OUTCOME_COMPLETED");
  const stored = async () => {
    const texts: string[] = [];
    for await (const { sha256 } of at.artifacts.list()) {
      for await (const bytes of at.artifacts.get(sha256)) texts.push(Buffer.from(bytes).toString("utf8"));
    }
    return texts.sort();
  };
  return { at, searchId, stored };
}

test("the best trials are those that left all kinds, by id or by name; named trials come in the order of the file", async () => {
  const { at, searchId } = await opened();
  const pinned = async (input: object) => {
    const { spec } = await at.answer(at.create({ strategy, inputs: [{ kinds, ...input }] }));
    return spec?.inputs[0]?.results.map(({ searchId: from, trial, artifact }) => [from, trial, artifact?.kind]);
  };
  const of = (trial: number) => [searchId, trial, "predictions-valid"];
  assert.deepEqual(await pinned({ search: searchId, best: 1 }), [of(2)]);
  assert.deepEqual(await pinned({ search: "first", best: 2 }), [of(2), of(0)]);
  assert.deepEqual(await pinned({ search: "first", trials: [0, 2] }), [of(0), of(2)]);
  await at.answer(at.close());
});

test("what is not there is refused with its field, before anything starts", async () => {
  const { at } = await opened();
  const before = at.searches.length;
  for (const [input, words] of [
    [{ search: "second", best: 1 }, /inputs\[0\].search: saw "second", expected the id or the name/],
    [{ search: "first", best: 3 }, /inputs\[0\].best: saw 2 trials of \w+ with predictions-valid, expected 3 of them/],
    [{ search: "first", trials: [0, 1] }, /inputs\[0\].trials\[1\]: saw trial 1, which left no predictions-valid/],
    [{ search: "first", trials: [9] }, /inputs\[0\].trials\[0\]: saw trial 9, which left no predictions-valid/],
  ] as const) {
    const creation = at.answer(at.create({ strategy, inputs: [{ kinds, ...input }] }));
    await assert.rejects(creation, (error) => error instanceof RegulusError && words.test(error.message));
  }
  assert.equal(at.searches.length, before);
  await at.answer(at.close());
});

test("two inputs that come to the same result are refused, whatever names it", async () => {
  const { at, searchId } = await opened();
  for (const [one, other, words] of [
    [{ search: "first", trials: [0] }, { search: searchId, trials: [2, 0] }, /inputs\[1\].trials: saw .* of trial 0 of/],
    [{ search: "first", trials: [2] }, { search: "first", best: 1 }, /inputs\[1\].best: saw predictions-valid of trial 2 of/],
  ] as const) {
    const creation = at.answer(at.create({ strategy, inputs: [one, other].map((input) => ({ kinds, ...input })) }));
    await assert.rejects(creation, (error) => error instanceof RegulusError && words.test(error.message));
  }
  await at.answer(at.close());
});

test("they stay in the store when the other search is deleted, over restarts, until this one is deleted too", async () => {
  const { at, searchId, stored } = await opened();
  const more = { strategy, inputs: [{ search: "first", best: 1, kinds }] };
  const own = await at.answer(at.create(more, "key"));
  assert.deepEqual(await stored(), ["of trial 0", "of trial 2"]);
  await at.answer(at.coordinator.deleteSearch(searchId));
  await at.advance(3 * artifactGraceMs);
  assert.deepEqual(await stored(), ["of trial 2"], "what nobody named goes with its search");
  await at.answer(at.close());
  await at.openVirtual(1e9);
  await at.advance(orphanAgeMs + 1);
  await at.answer(at.close());
  await at.openVirtual(1e9);
  await at.advance(10);
  assert.deepEqual(await stored(), ["of trial 2"]);
  const again = await at.answer(at.create(more, "key"));
  assert.equal(again.searchId, own.searchId, "a repeated request finds the search, though the other one is gone");
  await at.answer(at.coordinator.stopSearch(own.searchId, ""));
  await at.answer(at.coordinator.deleteSearch(own.searchId));
  await at.advance(3 * artifactGraceMs);
  assert.deepEqual(await stored(), []);
  await at.answer(at.close());
});
