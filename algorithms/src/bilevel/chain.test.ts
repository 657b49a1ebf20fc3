/** What has to be answered again is exactly what is neither held nor saved, in order, and bounded whatever is never saved. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { answeredByAll, type Chain, emptyChain, mustSave, startedFrom, wayTo } from "./chain.js";

const never = () => false;
const open = (id: number, startFrom: number | null, theta: readonly number[] = [id]) => ({
  id,
  startFrom,
  question: { theta, accuracy: 1 },
  speculative: false,
});

/** A chain of questions 0, 1, 2 ..., each started from the one before, with others that led nowhere in between. */
function chainOf(count: number, isSaved: (id: number) => boolean = never, theta?: readonly number[]): Chain {
  let chain = emptyChain();
  for (let at = 0; at < count; at += 1) {
    const before = at === 0 ? null : 10 * (at - 1);
    chain = answeredByAll(chain, open(10 * at, before, theta));
    chain = startedFrom(chain, 10 * at, isSaved);
    chain = answeredByAll(chain, open(10 * at + 5, 10 * at, theta));
  }
  return chain;
}

test("the way leads from the newest solutions that are held to those that are wanted, one question at a time", () => {
  const chain = chainOf(5);
  assert.deepEqual(
    chain.answered.map(({ id }) => id),
    [45],
    "what led nowhere is forgotten with the next step",
  );
  assert.deepEqual(
    chain.links.map(({ id }) => id),
    [0, 10, 20, 30, 40],
  );
  const held = new Set([10]);
  const asked: number[] = [];
  for (;;) {
    const way = wayTo(chain, 40, (id) => held.has(id));
    if (way.kind !== "again") {
      assert.equal(way.kind, "here");
      break;
    }
    assert.equal(way.link.startFrom, way.link.id - 10);
    asked.push(way.link.id);
    held.add(way.link.id);
  }
  assert.deepEqual(asked, [20, 30, 40]);
  const first = wayTo(chain, 40, never);
  assert.deepEqual(first.kind === "again" && first.link, chain.links[0], "without anything, from the own starts");
});

test("what every shard has saved is forgotten, and what is forgotten and not saved is lost", () => {
  const chain = chainOf(6, (id) => id === 30);
  assert.deepEqual(
    chain.links.map(({ id }) => id),
    [40, 50],
  );
  assert.equal(wayTo(chain, 50, (id) => id === 30).kind, "again");
  assert.equal(wayTo(chain, 50, never).kind, "lost");
});

test("a step that is taken back continues from where the chain was", () => {
  let chain = chainOf(4);
  chain = startedFrom(chain, 20, never);
  assert.deepEqual(
    chain.links.map(({ id }) => id),
    [0, 10, 20],
  );
  chain = startedFrom(answeredByAll(chain, open(60, 20)), 60, never);
  assert.deepEqual(
    chain.links.map(({ id }) => id),
    [0, 10, 20, 60],
  );
});

test("it is bounded where nothing is ever saved, and shards are told to save long before", () => {
  assert.ok(chainOf(1000).links.length <= 64);
  assert.ok(chainOf(1000).answered.length <= 128);
  const told = Array.from({ length: 100 }, (_, count) => mustSave(chainOf(count), never)).indexOf(true);
  assert.equal(told, 32);
  const many = new Array<number>(300_000).fill(0);
  assert.ok(chainOf(50, never, many).links.length * many.length <= 1_000_000, "few questions of many hyperparameters");
  assert.ok(mustSave(chainOf(3, never, many), never));
});
