/** What callers may ask of watches, listings of agents and new searches at their edges. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { limits, RegulusError } from "@regulus/proto";
import { ScriptedCoordinator, specOf, start, until } from "./testing/scripted-coordinator.js";

let at: ScriptedCoordinator;

beforeEach(async () => {
  at = new ScriptedCoordinator();
  await at.open();
});
afterEach(() => at.close());

const exhausted = (words: RegExp) => (thrown: unknown) =>
  thrown instanceof RegulusError && thrown.code === "exhausted" && words.test(thrown.message);

describe("a watch", () => {
  const watched = async (searchId: string, after: number): Promise<[positions: number[], live: boolean[]]> => {
    const [positions, live]: [number[], boolean[]] = [[], []];
    for await (const piece of at.coordinator.watchSearch(searchId, after)) {
      positions.push(...piece.facts.map(({ position }) => position));
      live.push(piece.live);
    }
    return [positions, live];
  };

  it("of an ended search says live once, after all facts, from any position that there is", async () => {
    const { searchId } = await at.create();
    const { position } = await at.coordinator.stopSearch(searchId, "enough");
    for (let after = 0; after <= position; after += 1) {
      const [positions, live] = await watched(searchId, after);
      assert.deepEqual(
        positions,
        Array.from({ length: position - after }, (_, index) => after + 1 + index),
      );
      assert.deepEqual([live.filter((one) => one).length, live.at(-1)], [1, true]);
    }
  });

  it("beyond the newest fact is out of range", async () => {
    const { searchId } = await at.create();
    const { position } = await at.coordinator.stopSearch(searchId, "enough");
    await assert.rejects(watched(searchId, position + 1), (thrown) => {
      assert.ok(thrown instanceof RegulusError);
      assert.equal(thrown.code, "out-of-range");
      assert.match(thrown.message, new RegExp(`has ${position} facts and the watch begins after ${position + 1}`));
      return true;
    });
  });
});

it("agents are listed by id, page by page, each once", async () => {
  const ids = ["b", "a", "d", "c", "e"];
  for (const id of ids) at.hand(id);
  const all = { pageSize: 0, pageToken: "" };
  await until("all are there", () => at.coordinator.listAgents(all).agents.length === ids.length);
  const seen: string[][] = [];
  for (let pageToken = ""; ; ) {
    const page = at.coordinator.listAgents({ pageSize: 2, pageToken });
    seen.push(page.agents.map(({ agentId }) => agentId));
    pageToken = page.nextPageToken;
    if (pageToken === "") break;
  }
  assert.deepEqual(seen, [["a", "b"], ["c", "d"], ["e"]]);
});

it("a caller's searches are still its own after rounds that the log did not take", async () => {
  await at.close();
  await at.openVirtual();
  at.proposals = () => [start()];
  const spec = specOf();
  const create = (caller: string) =>
    at.answer(at.coordinator.createSearch({ spec, idempotencyKey: "", validateOnly: false }, caller));
  await Promise.all(Array.from({ length: limits.activeSearchesPerCallerMax }, () => create("one")));
  const gone = new RegulusError("unavailable", "the disk is away");
  for (let outages = 0; outages < 2; outages += 1) {
    at.appendFault = gone;
    await assert.rejects(create("another"), { code: "unavailable" });
    at.appendFault = undefined;
    const isBack = (): Promise<boolean> =>
      create("another").then(
        () => true,
        () => false,
      );
    for (let tries = 0; !(await isBack()); tries += 1) {
      assert.ok(tries < 1000, "the log takes searches again");
      await at.advance(100);
    }
  }
  await assert.rejects(create("one"), exhausted(/this caller.s limit of 500 searches not over/));
});

it("one caller can't have all searches, and its share is free again once one ends", async () => {
  at.proposals = () => [start()];
  const spec = specOf({ budget: { trials: 1 } });
  const create = (caller?: string) => at.coordinator.createSearch({ spec, idempotencyKey: "", validateOnly: false }, caller);
  const made = await Promise.all(Array.from({ length: limits.activeSearchesPerCallerMax }, () => create("one")));
  await assert.rejects(create("one"), exhausted(/this caller.s limit of .* not over/));
  const another = Array.from({ length: limits.activeSearchesMax - limits.activeSearchesPerCallerMax }, () => create("another"));
  await Promise.all(another);
  await assert.rejects(create("third"), exhausted(/1000 .*not over/));
  await at.coordinator.stopSearch(made[0]?.searchId ?? "", "");
  await create("one");
});
