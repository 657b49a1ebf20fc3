/** Who answers which question from whose solutions, case by case, over shards of three samples. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { MethodState } from "../solvers/maid/method.js";
import { type Member, newMember, noShard } from "./member.js";
import { isBeyond, isWithin, keepersOf, type Placement, placementOf, tooSmall } from "./placement.js";
import { type BilevelState, emptyState } from "./state.js";

const question = (id: number, startFrom: number | null) => ({
  id,
  startFrom,
  question: { theta: [1], accuracy: 1 },
  speculative: false,
});

/** A trial of shard 0 that waits at step 10 with the solutions of some questions in its process and its checkpoint. */
const idle = (trial: number, more: Partial<Member> = {}): Member => {
  return { ...newMember(trial), shard: 0, status: "paused", step: 10, ...more };
};
const busy = (trial: number, id: number, startFrom: number | null, more: Partial<Member> = {}): Member => {
  return idle(trial, { status: "running", asked: { id, startFrom }, ...more });
};
const holding = (...questions: readonly number[]): Partial<Member> => ({ has: [...questions] });
const saving = (...questions: readonly number[]): Partial<Member> => ({ holds: [...questions], saved: 9 });

interface Case {
  readonly members: readonly Member[];
  readonly startFrom?: number | null;
  readonly keepers?: readonly number[];
  readonly used?: readonly number[];
  readonly mayStart?: boolean;
  readonly isFirst?: boolean;
  readonly replicas?: number;
  readonly stepsPerTrial?: number;
  readonly state?: Partial<BilevelState<MethodState>>;
}

/** Where question 8 of shard 0 goes. */
function placed({ members, startFrom = 4, state, ...more }: Case): Placement | undefined {
  const { keepers = [], used = [], mayStart = true, isFirst = true, replicas = 0, stepsPerTrial = 0 } = more;
  const ranges = [
    { lo: 0, hi: 3 },
    { lo: 3, hi: 6 },
  ];
  const all = { ...emptyState<MethodState>(), samples: 6, ranges, members: [...members], ...state };
  const wanted = { question: question(8, startFrom), shard: 0, keepers: new Set(keepers), isFirst };
  const bounds = { replicas, stepsPerTrial, stepsMax: 0 };
  return placementOf(all, wanted, bounds, { used: new Set(used), mayStart });
}
/** Trial (-1 for a new one), source (-1 for none), question, start, lost and step. */
const told = (one: Placement | undefined) =>
  one && [one.member?.trial ?? -1, one.source?.trial ?? -1, one.question.id, one.startFrom, one.lost, one.untilStep];

test("a trial that holds the solutions gets their questions before idle ones", () => {
  assert.deepEqual(told(placed({ members: [idle(0), idle(1, holding(4))], replicas: 1 })), [1, -1, 8, 4, null, 13]);
  assert.deepEqual(told(placed({ members: [idle(0, saving(4)), idle(1, holding(4))], replicas: 1 })), [1, -1, 8, 4, null, 13]);
  assert.deepEqual(told(placed({ members: [idle(1, { ...holding(4), ...saving(4) })] })), [1, -1, 8, 4, null, 13], "its own");
  assert.deepEqual(
    told(placed({ members: [idle(1, saving(4))] })),
    [1, -1, 8, 4, null, 13],
    "what it saved itself it begins from anyway",
  );
});

test("without a holder another takes what was saved, from the later of the two steps on", () => {
  const source = idle(0, { ...saving(4), status: "ended", saved: 20 });
  assert.deepEqual(told(placed({ members: [source, idle(1)] })), [1, 0, 8, 4, null, 23]);
  assert.deepEqual(told(placed({ members: [source, idle(1, { step: 40 })] })), [1, 0, 8, 4, null, 43]);
  assert.deepEqual(told(placed({ members: [source] })), [-1, 0, 8, 4, null, 23], "or one that is started");
  assert.equal(placed({ members: [source], mayStart: false }), undefined);
  const elsewhere = idle(0, { ...saving(4), shard: 1 });
  assert.deepEqual(told(placed({ members: [elsewhere] })), [-1, -1, 8, null, 4, 3], "another shard's are of no use");
});

test("from the samples' own starts anybody will do", () => {
  assert.deepEqual(told(placed({ members: [idle(5, { step: 0 })], startFrom: null })), [5, -1, 8, null, null, 3]);
  assert.deepEqual(told(placed({ members: [], startFrom: null })), [-1, -1, 8, null, null, 3]);
  const describer = idle(0, { shard: noShard, step: 1 });
  assert.deepEqual(
    told(placed({ members: [describer], startFrom: null })),
    [0, -1, 8, null, null, 4],
    "whoever said what the workload is too",
  );
});

test("a question that is answered or under way is not asked again", () => {
  const members = [idle(0, holding(4)), busy(1, 8, 4)];
  assert.equal(placed({ members, replicas: 3 }), undefined);
  const answer = { question: 8 } as never;
  assert.equal(placed({ members: [idle(0, holding(4))], state: { answers: { 8: [answer, null] } } }), undefined);
  assert.ok(
    placed({ members: [idle(0, holding(4))], state: { answers: { 8: [null, answer] } } }),
    "another shard's answer is none",
  );
  assert.ok(placed({ members: [idle(0, holding(4)), busy(1, 8, 4, { shard: 1 })], replicas: 3 }));
  assert.ok(
    placed({ members: [idle(0, holding(4)), busy(1, 8, 4, { status: "ended" })], replicas: 3 }),
    "nor is one that has ended at work",
  );
});

test("those with steps left come first, and of them those that keep nothing", () => {
  const order = (members: readonly Member[], keepers: readonly number[] = []) =>
    told(placed({ members, startFrom: null, keepers, replicas: 5, mayStart: false, stepsPerTrial: 12 }))?.[0];
  assert.equal(order([idle(0, { step: 10 }), idle(1, { step: 9 })]), 1, "ten and three are beyond twelve");
  assert.equal(order([idle(0, { step: 9 }), idle(1, { step: 9 })]), 0);
  assert.equal(order([idle(0, { step: 9 }), idle(1, { step: 9 })], [0]), 1);
  assert.equal(order([idle(0, { step: 10 }), idle(1, { step: 9 })], [1]), 1, "a keeper with steps before one without");
});

test("a keeper is left alone, unless everything waits for the question and nobody else can be had", () => {
  const kept = (more: Partial<Case>) => told(placed({ members: [idle(0)], startFrom: null, keepers: [0], ...more }))?.[0];
  assert.equal(kept({ isFirst: true, mayStart: false }), 0);
  assert.equal(kept({ isFirst: false, mayStart: false }), undefined);
  assert.equal(kept({ isFirst: true, mayStart: true, replicas: 1 }), -1, "one is started");
  assert.equal(kept({ isFirst: true, mayStart: true, replicas: 0 }), 0, "the shard has its trials");
});

test("a shard has one trial and its replicas, and who was just given something else is not free", () => {
  const started = (members: readonly Member[], replicas: number, used: readonly number[] = []) =>
    told(placed({ members, startFrom: null, replicas, used }))?.[0];
  assert.equal(started([busy(0, 7, null)], 0), undefined);
  assert.equal(started([busy(0, 7, null)], 1), -1);
  assert.equal(started([busy(0, 7, null), busy(1, 6, null)], 1), undefined);
  assert.equal(started([idle(0)], 1, [0]), -1);
  assert.equal(started([idle(0)], 0, [0]), undefined);
  const describer = idle(2, { shard: noShard });
  assert.equal(started([describer], 0, [2]), -1, "whoever took another shard stands in nobody's way");
  assert.equal(started([idle(0, { status: "silent" })], 0), -1);
});

test("what somebody is about to pause with is waited for, and what nobody will have is begun anew", () => {
  const free = idle(5);
  assert.deepEqual(told(placed({ members: [free, busy(0, 7, 3)], replicas: 2 })), [5, -1, 8, null, 4, 13], "lost");
  assert.equal(placed({ members: [free, busy(0, 4, 3, { answered: 9 })], replicas: 2 }), undefined, "it has just answered");
  assert.equal(placed({ members: [free, busy(0, 7, 4, { answered: 9 })], replicas: 2 }), undefined, "or started from there");
  assert.deepEqual(
    told(placed({ members: [free, busy(0, 7, 4)], replicas: 2 }))?.[4],
    4,
    "one that has not answered may miss it",
  );
  const links = [{ id: 3, startFrom: null, question: { theta: [1], accuracy: 1 } }];
  const chain = { links, answered: [] };
  assert.equal(
    placed({ members: [free, busy(0, 3, null)], replicas: 2, state: { chain } }),
    undefined,
    "what was lost is answered again",
  );
});

test("lost questions are answered again, one after the other, by the trials that remain", () => {
  const link = (id: number, startFrom: number | null) => ({ id, startFrom, question: { theta: [id], accuracy: 1 } });
  const chain = { links: [link(2, null), link(3, 2), link(4, 3)], answered: [] };
  const way = (members: readonly Member[]) => told(placed({ members, state: { chain } }));
  assert.deepEqual(way([idle(0)]), [0, -1, 2, null, null, 13]);
  assert.deepEqual(way([idle(0, holding(2))]), [0, -1, 3, 2, null, 13]);
  assert.deepEqual(way([idle(0, holding(3))]), [0, -1, 4, 3, null, 13]);
  assert.deepEqual(way([idle(0, { ...saving(3), status: "ended", saved: 30 }), idle(1)]), [1, 0, 4, 3, null, 33]);
  assert.deepEqual(way([idle(0, holding(4))]), [0, -1, 8, 4, null, 13]);
});

test("of a question that may yet be started from, the only holder of each shard is kept", () => {
  const ranges = [
    { lo: 0, hi: 3 },
    { lo: 3, hi: 6 },
  ];
  const keepers = (members: readonly Member[], questions: readonly number[] = [4]) => [
    ...keepersOf({ ...emptyState<MethodState>(), ranges, members: [...members] }, questions),
  ];
  assert.deepEqual(keepers([idle(0, holding(4)), idle(1, { ...holding(4), shard: 1 }), idle(2, holding(5))]), [0, 1]);
  assert.deepEqual(keepers([idle(0, holding(4)), idle(1, holding(4))]), [0], "one is enough");
  assert.deepEqual(keepers([idle(0, saving(4))]), [0]);
  assert.deepEqual(keepers([idle(0, { ...holding(4), status: "ended" })]), [], "one that has ended can be discarded by nobody");
  assert.deepEqual(keepers([idle(0, holding(4, 5)), idle(1, holding(5))], [4, 5]), [0], "who is kept anyway keeps the other too");
  assert.deepEqual(keepers([idle(0, holding(4))], []), []);
});

test("a budget has room for one question and the last trial, just, or it is too small by one", () => {
  const room = (samples: number, sizes: readonly number[], stepsPerTrial: number, stepsMax: number) => {
    let lo = 0;
    const ranges = sizes.map((size) => {
      lo += size;
      return { lo: lo - size, hi: lo };
    });
    return tooSmall({ ...emptyState<MethodState>(), samples, ranges }, { stepsPerTrial, stepsMax });
  };
  assert.equal(room(6, [3, 3], 6, 13), "");
  assert.match(room(6, [3, 3], 5, 0), /saw budget\.stepsPerTrial 5, expected at least 6/);
  assert.match(room(6, [6], 6, 0), /expected at least 7/, "the describing trial has a step behind it");
  assert.match(room(6, [3, 3], 0, 12), /saw budget\.steps 12, expected at least 13/);
  assert.equal(room(6, [3, 3], 0, 0), "", "0 is any number");
});

test("bounds are kept to the number, and one trial is kept for the end", () => {
  assert.deepEqual([isBeyond(5, 5), isBeyond(6, 5), isBeyond(99, 0)], [false, true, false]);
  assert.deepEqual([isWithin(3, 5), isWithin(4, 5), isWithin(4, 5, true), isWithin(5, 5, true)], [true, false, true, false]);
  assert.equal(isWithin(99, 0), true);
});
