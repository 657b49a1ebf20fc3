/** Answers over pauses, reopenings and shards against undisturbed whole ones, bit for bit; and what it refuses. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fromVectors, RegulusError, SearchSpec, toVectors, Work } from "@regulus/proto";
import { combineNodes, decodeDescription, decodeShardAnswer, type NumberLists } from "../../solvers/index.js";
import type { Session } from "../../training/contracts/procedure.js";
import { TrialFailure } from "../../training/contracts/procedure.js";
import { module } from "./stochastic-oracle.js";

const workloads = {
  "hyper-cleaning": { trainSize: 40, validSize: 20, testSize: 20, units: 4, side: 4, batchSize: 16, validBatchSize: 12 },
  "hyper-representation": { tasks: 4, classes: 3, shots: 2, queries: 2, side: 4, features: 3 },
};
type Name = keyof typeof workloads;

/** One question: its options and what is sent along. */
interface Asked {
  readonly options: Readonly<Record<string, unknown>>;
  readonly vectors?: NumberLists;
}

function workOf({ options, vectors }: Asked, untilStep: number, final = false): Work {
  const work = { procedure: "stochastic-oracle", options: { ...options }, vectors: toVectors(vectors), untilStep, final };
  return Work.fromPartial(work);
}

function open(name: Name, work: Work, checkpoint?: Uint8Array): Promise<Session> {
  const spec = SearchSpec.fromPartial({ name: "oracle", workload: { name, options: { ...workloads[name] } }, seed: 4 });
  const request = { spec, work, seed: 1, found: () => undefined };
  return module.open(checkpoint === undefined ? request : { ...request, checkpoint });
}

/** Answers to questions in turn; before each, `between` gives the session that takes it. */
async function answers(
  name: Name,
  questions: readonly Asked[],
  between: (session: Session, work: Work) => Promise<Session>,
): Promise<NumberLists[]> {
  let session: Session | undefined;
  const found: NumberLists[] = [];
  for (const [index, asked] of questions.entries()) {
    const work = workOf(asked, index + 1);
    session = session === undefined ? await open(name, work) : await between(session, work);
    await session.step();
    found.push(fromVectors((await session.measure()).vectors));
  }
  return found;
}

async function goOn(session: Session, work: Work): Promise<Session> {
  assert.equal(await session.resume?.(work), true);
  return session;
}

const reopen = (name: Name) => async (session: Session, work: Work) => open(name, work, await session.save());

/** Questions as a strategy sends them: vectors once, then only what is new. */
function course(name: Name, { lo, hi }: { lo: number; hi: number }): readonly Asked[] {
  const size = name === "hyper-cleaning" ? 40 : 3 * 17;
  const x = Array.from({ length: size }, (_, i) => Math.sin(i));
  const shard = { lo, hi };
  if (name === "hyper-representation") {
    const turn = (draw: number) => ({
      options: { ...shard, kind: "owned", draw, refresh: draw % 2 === 0 },
      vectors: { x: x.map((v) => v + draw / 10) },
    });
    return [turn(0), turn(1), turn(2), { options: { ...shard, kind: "evaluate", draw: 3 }, vectors: { x } }];
  }
  const [y, z] = [1, 2].map((shift) => Array.from({ length: 170 }, (_, i) => Math.cos(shift * i)));
  const own = x.slice(10 * lo, 10 * hi);
  return [
    { options: { ...shard, kind: "lower", draw: 0 }, vectors: { x: own, y: y ?? [] } },
    { options: { ...shard, kind: "adjoint", draw: 1 }, vectors: { z: z ?? [] } },
    { options: { ...shard, kind: "direction", draw: 2 } },
    { options: { ...shard, kind: "joint", draw: 3 }, vectors: { x: own.map((value) => -value) } },
    { options: { ...shard, kind: "evaluate", draw: 4 }, vectors: { x } },
  ];
}

for (const name of ["hyper-cleaning", "hyper-representation"] as const) {
  test(`${name}: a session that continues, and one reopened before every question, answer with the same bits`, async () => {
    const shard = { lo: 1, hi: 4 };
    const expected = await answers(name, course(name, shard), goOn);
    assert.deepEqual(await answers(name, course(name, shard), reopen(name)), expected);
    assert.ok(expected.every((lists) => Object.keys(lists).length > 0));
  });

  test(`${name}: shards together answer what one answers for all`, async () => {
    const whole = await answers(name, course(name, { lo: 0, hi: 4 }), goOn);
    const parts = [
      await answers(name, course(name, { lo: 0, hi: 1 }), goOn),
      await answers(name, course(name, { lo: 1, hi: 4 }), goOn),
    ];
    for (const [index, lists] of whole.entries()) {
      const one = decodeShardAnswer(lists);
      const several = parts.map((part) => decodeShardAnswer(part[index] ?? {}));
      assert.deepEqual(
        several.flatMap(({ slice }) => slice),
        one.slice,
      );
      const nodes = several.flatMap((part) => part.nodes);
      if (one.nodes.length > 0) assert.deepEqual(combineNodes(4, nodes), combineNodes(4, one.nodes));
      assert.equal(nodes.length > 0, one.nodes.length > 0);
    }
  });

  test(`${name}: it says of its workload what a strategy has to know`, async () => {
    const [lists] = await answers(name, [{ options: { kind: "describe" } }], goOn);
    const described = decodeDescription(lists ?? {});
    assert.equal(described?.units, 4);
    assert.equal(described?.owned, name === "hyper-representation");
    assert.deepEqual(described?.edges, name === "hyper-cleaning" ? [0, 10, 20, 30, 40] : []);
  });
}

test("a plain trial trains the lower level and says what it comes to", async () => {
  const work = workOf({ options: { lowerRate: 0.5 } }, 0);
  const session = await open("hyper-cleaning", work);
  const losses: number[] = [];
  for (let step = 0; step < 40; step++) {
    await session.step();
    losses.push((await session.measure()).metrics.validLoss ?? Number.NaN);
  }
  assert.ok((losses.at(-1) ?? 9) < (losses[0] ?? 0));
});

test("the outcome that it is given to close is its measurement", async () => {
  const session = await open(
    "hyper-cleaning",
    workOf({ options: { kind: "close" }, vectors: { outcome: [1, 2, 3, 4, 5] } }, 1, true),
  );
  await session.step();
  const { metrics } = await session.measure();
  assert.deepEqual(metrics, { validLoss: 1, validError: 2, testLoss: 3, testError: 4, cleanAuc: 5 });
});

test("vectors of the wrong length, of which it holds none, of no such units and that are not finite are told", async () => {
  const refused = (code: string, words: RegExp) => (error: unknown) =>
    error instanceof RegulusError && error.code === code && words.test(error.message);
  const ask = async (asked: Asked) => (await open("hyper-cleaning", workOf(asked, 1))).step();
  await assert.rejects(
    ask({ options: { kind: "lower" }, vectors: { y: [1] } }),
    refused("invalid-argument", /1 number in the vector y/),
  );
  await assert.rejects(ask({ options: { kind: "lower" } }), refused("failed-precondition", /holds none/));
  await assert.rejects(ask({ options: { kind: "lower", lo: 3, hi: 9 } }), refused("failed-precondition", /units 3 to 9/));
  const huge = new Array<number>(170).fill(1e308);
  await assert.rejects(
    ask({ options: { kind: "joint" }, vectors: { y: huge, z: huge } }),
    (error) => error instanceof TrialFailure && error.reason === "diverged" && /round 0 \(joint\)/.test(error.message),
  );
});
