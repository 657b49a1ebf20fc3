/** No content of one search breaks its own row, or those beside it: hostile reports that can be decoded go through the doors into state, and every answer still comes. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import {
  type ArtifactRef,
  EndReason,
  eventProblems,
  type Lease,
  ListSearchesRequest,
  ListSearchesResponse,
  limits,
  type Measurement,
  RegulusError,
  type Report,
  Reports,
  SearchSpec,
} from "@regulus/proto";
import { SearchServiceService as methods } from "@regulus/transport";
import fc from "fast-check";
import { openMemoryStore } from "../artifacts/memory-store.js";
import type { Coordinator } from "../coordinator.js";
import { openMemoryLog } from "../log/memory-log.js";
import { createCoordinator } from "../runner/create-coordinator.js";
import { Hand } from "../runner/testing/hand.js";
import { checkReports } from "./agent-reports.js";
import { callRaw, type OpenDoors, openDoors, validSpec } from "./testing/open-doors.js";
import { overriding } from "./testing/overriding.js";

const text = fc.oneof(
  fc.constantFrom("__proto__", "constructor", "toString", "", "validLoss", "\u0000\u001b[31m", "\ud800", "a".repeat(5000)),
  fc.string({ unit: "binary" }),
);
/** Every whole number that a message can hold, most often those at the edges. */
const whole = fc.oneof(
  fc.constantFrom(0, 1, limits.stepMax, limits.stepMax + 1, 2 ** 50, Number.MAX_SAFE_INTEGER),
  fc.nat({ max: Number.MAX_SAFE_INTEGER }),
);
const double = fc.oneof(fc.constantFrom(Number.MAX_VALUE, -Number.MAX_VALUE, 5e-324, -0), fc.double());
const numbers = fc.dictionary(text, double, { maxKeys: 5 });
const measurement: fc.Arbitrary<Measurement> = fc.record({
  step: whole,
  metrics: fc.oneof(numbers, fc.record({ validLoss: double })),
  learned: numbers,
  scales: numbers,
  hypergradients: numbers,
  vectors: fc.constant({}),
  seconds: double,
});
const artifact = fc.record({ sha256: fc.constantFrom("00".repeat(32), "../x"), size: whole, kind: text });
const event: fc.Arbitrary<NonNullable<Report["event"]>> = fc.oneof(
  { weight: 4, arbitrary: measurement.map((value) => ({ $case: "measured" as const, value })) },
  fc.record({ step: whole, checkpoint: artifact }).map((value) => ({ $case: "checkpointed" as const, value })),
  fc
    .record({ source: text, severity: fc.constantFrom("info", "warning", "x"), message: text })
    .map((value) => ({ $case: "found" as const, value })),
  fc
    .record({
      reason: fc.constantFrom(...Object.values(EndReason)),
      message: text,
      step: whole,
      final: fc.option(measurement, { nil: undefined }),
      artifacts: fc.array(artifact, { maxLength: 2 }),
      startedMs: whole,
    })
    .map((value) => ({ $case: "finished" as const, value })),
);

describe("answers about searches with hostile content", () => {
  let coordinator: Coordinator;
  let doors: OpenDoors;
  before(async () => {
    const artifacts = openMemoryStore();
    coordinator = await createCoordinator({ log: openMemoryLog(), artifacts });
    doors = await openDoors({ coordinator, artifacts });
  });
  after(async () => {
    await doors.close();
    await coordinator.close();
  });

  /** Calls, and reads the answers as a client does. */
  async function ok<Request>(method: Method<Request>, request: Request): Promise<void> {
    const outcome = await callRaw(doors.client, method, [method.requestSerialize(request)]);
    assert.equal(outcome.code, "OK", `${method.path}: ${outcome.details}`);
    for (const answer of outcome.answers) method.responseDeserialize(answer);
  }

  it("content that a trial may have caused never ends the agent's stream, and what passes is within bounds", () => {
    const lease = { searchId: "s", trial: 0, attempt: 1 };
    const whole = { sha256: "00".repeat(32), size: 1, kind: "checkpoint" };
    const property = fc.property(fc.array(event, { minLength: 1, maxLength: 8 }), (events) => {
      const reports = events.map((one) => ({ lease, event: sentByUs(one, whole) }));
      const checked = checkReports(Reports.decode(Reports.encode({ firstSequence: 1, reports }).finish()), 0);
      for (const [index, { event: passed }] of checked.reports.entries()) {
        assert.ok(passed !== undefined);
        assert.deepEqual(eventProblems(passed), []);
        // A trial that said too much is over; one that was within bounds is left as it is.
        const asked = reports[index]?.event;
        if (asked && eventProblems(asked).length === 0) assert.equal(passed.$case, asked.$case);
        else assert.ok(passed.$case === "finished" || asked?.$case === "found", `${asked?.$case} became ${passed.$case}`);
      }
    });
    fc.assert(property, { numRuns: 300 });
  });

  it("come for every search and every listing, whatever agents report", async () => {
    let runs = 0;
    const property = fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 8 }), async (events) => {
      runs += 1;
      const spec = SearchSpec.fromPartial({ ...validSpec(), budget: { trials: 2 } });
      const { searchId } = await coordinator.createSearch({ spec, idempotencyKey: "", validateOnly: false });
      const hand = new Hand(coordinator, `agent-${runs}`, []);
      while (hand.leases.length < 2) await nextTurn();
      for (const [index, one] of events.entries()) tell(hand, hand.leases[index % 2], index, one);
      await coordinator.stopSearch(searchId, "enough");
      await everyAnswer(searchId);
      hand.connection.closed();
    });
    await fc.assert(property, { numRuns: 60 });
  });

  /** Every way to ask about a search, and all that lists it beside others. */
  async function everyAnswer(searchId: string): Promise<void> {
    await ok(methods.listSearches, ListSearchesRequest.fromPartial({ pageSize: limits.pageSizeMax }));
    await ok(methods.getSearch, { searchId });
    await ok(methods.listTrials, { searchId, statuses: [], bestFirst: true, pageSize: 0, pageToken: "", orderBy: "" });
    await ok(methods.getTrial, { searchId, trial: 0 });
    await ok(methods.explainSearch, { searchId, trial: undefined });
    await ok(methods.exportSearch, { searchId });
    assert.match(await doors.metrics.registry.metrics(), /regulus_/);
  }

  it("come with a row that can't be encoded among others: it lacks the field, and the others are whole", async () => {
    const before = coordinator.listSearches(ListSearchesRequest.fromPartial({}));
    assert.ok(before.searches.length > 1);
    const spoilt = overriding(coordinator, {
      listSearches: () => ({
        ...before,
        searches: before.searches.map((search, index) => (index === 0 ? { ...search, steps: 2 ** 60 } : search)),
      }),
    });
    const other = await openDoors({ coordinator: spoilt, artifacts: openMemoryStore() });
    const bytes = methods.listSearches.requestSerialize(ListSearchesRequest.fromPartial({}));
    const { code, answers } = await callRaw(other.client, methods.listSearches, [bytes]);
    await other.close();
    assert.equal(code, "OK");
    const { searches } = ListSearchesResponse.decode(answers[0] ?? assert.fail("an answer"));
    assert.deepEqual(
      searches.map(({ searchId }) => searchId),
      before.searches.map(({ searchId }) => searchId),
    );
    assert.equal(searches[0]?.steps, 0);
  });

  it("sum steps up to what a message can hold, and not past it", async () => {
    const spec = SearchSpec.fromPartial({ ...validSpec(), budget: { trials: 2 } });
    const { searchId } = await coordinator.createSearch({ spec, idempotencyKey: "", validateOnly: false });
    // Past the doors, as an older version let them through.
    const hand = new Hand(coordinator, "past", []);
    while (hand.leases.length < 2) await nextTurn();
    for (const lease of hand.leases) hand.measure(lease, Number.MAX_SAFE_INTEGER, 1);
    await coordinator.stopSearch(searchId, "enough");
    assert.equal(coordinator.getSearch(searchId).steps, Number.MAX_SAFE_INTEGER);
    await everyAnswer(searchId);
    hand.connection.closed();
  });
});

/** What calling a method takes. */
type Method<Request> = Parameters<typeof callRaw>[1] & {
  requestSerialize(request: Request): Buffer;
  responseDeserialize(answer: Buffer): unknown;
};

/** The event with what an agent itself fills in, as an agent fills it in. */
function sentByUs(event: NonNullable<Report["event"]>, checkpoint: ArtifactRef): NonNullable<Report["event"]> {
  if (event.$case === "checkpointed") return { ...event, value: { ...event.value, checkpoint } };
  if (event.$case !== "finished") return event;
  return { ...event, value: { ...event.value, reason: EndReason.END_REASON_DONE, artifacts: [checkpoint] } };
}

/** One report through the wire and the door's checks; what they refuse ends an agent's stream, and is not heard. */
function tell(hand: Hand, lease: Lease | undefined, sequence: number, event: NonNullable<Report["event"]>): void {
  let reports: Reports;
  try {
    const bytes = Reports.encode({ firstSequence: sequence + 1, reports: [{ lease: lease?.key, event }] }).finish();
    reports = checkReports(Reports.decode(bytes), sequence);
  } catch (thrown) {
    if (thrown instanceof RegulusError) return;
    // An enumeration's UNRECOGNIZED, for example, can't be sent at all.
    return;
  }
  const [checked] = reports.reports;
  if (checked?.event !== undefined) hand.report(lease, checked.event);
}
