/** Bounds at the doors, each at its edge: what is just within is taken, and what is just past it is refused by its path. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  ConnectRequest,
  EndReason,
  Heartbeat,
  limits,
  outputPieceBytesMax,
  Register,
  type Report,
  type ReportEvent,
} from "@regulus/proto";
import { checkHeartbeat, checkOutput, checkRegister, checkReports } from "./agent-reports.js";
import { keptText } from "./request-checks.js";
import { many, refused, text } from "./testing/refused-fields.js";

describe("what an agent says", () => {
  const agent = { agentId: "a", slots: 1, backends: ["cpu"] };
  type Said = Parameters<typeof Register.fromPartial>[0];
  const register = (more: NonNullable<Said>) =>
    refused(() => checkRegister(Register.fromPartial({ protocol: 1, agent, ...more })));
  const key = { searchId: "s", trial: 0, attempt: 1 };
  const sha256 = "0".repeat(64);

  it("of itself is bounded, field by field and as a whole", () => {
    const labels = Object.fromEntries(many(limits.labelsMax, (index) => [`l${index}`, text(120)]));
    assert.deepEqual(register({}), []);
    assert.deepEqual(register({ agent: { ...agent, slots: limits.slotsMax, backends: many(16, () => "cpu"), labels } }), []);
    const cases: readonly (readonly [NonNullable<Said>, string])[] = [
      [{ agent: { ...agent, agentId: "" } }, "register.agent.agentId"],
      [{ agent: { ...agent, slots: 0 } }, "register.agent.slots"],
      [{ agent: { ...agent, slots: limits.slotsMax + 1 } }, "register.agent.slots"],
      [{ agent: { ...agent, backends: many(17, () => "cpu") } }, "register.agent.backends"],
      [{ agent: { ...agent, backends: ["cpu", text(129)] } }, "register.agent.backends[1]"],
      [{ agent: { ...agent, backendReason: text(limits.textCharactersMax + 1) } }, "register.agent.backendReason"],
      [{ agent: { ...agent, gpu: text(129) } }, "register.agent.gpu"],
      [{ agent: { ...agent, version: text(129) } }, "register.agent.version"],
      [{ agent: { ...agent, labels: { "": "x" } } }, "register.agent.labels[]"],
      [{ agent: { ...agent, backendReason: "ü".repeat(4096), labels } }, "register.agent"],
      [{ instance: text(129) }, "register.instance"],
      [{ active: [key, { ...key, attempt: 0 }] }, "register.active[1].attempt"],
      [{ active: many(limits.slotsMax + 1, () => key) }, "register.active"],
    ];
    for (const [more, field] of cases) assert.deepEqual(register(more), [field], field);
    assert.deepEqual(
      register({ agent: { ...agent, backendReason: text(limits.textCharactersMax) }, active: many(limits.slotsMax, () => key) }),
      [],
    );
    assert.deepEqual(
      refused(() => checkRegister({ protocol: 1, agent: undefined, active: [] })),
      ["register.agent"],
    );
  });

  it("of the attempts that it works on names each whole", () => {
    const beat = (keys: readonly { searchId: string; trial: number; attempt: number }[]) =>
      refused(() => checkHeartbeat(Heartbeat.fromPartial({ active: [...keys] })));
    assert.deepEqual(beat([key, { ...key, attempt: 2 ** 32 - 1 }]), []);
    assert.deepEqual(beat([{ searchId: "", trial: limits.trialsMax, attempt: 2 ** 32 }]), [
      "heartbeat.active[0].searchId",
      "heartbeat.active[0].trial",
      "heartbeat.active[0].attempt",
    ]);
  });

  it("of a trial's output is a piece within bounds", () => {
    const piece = { requestId: 1, found: true, offset: 0, totalBytes: 0, data: Buffer.alloc(0) };
    const output = (more: Partial<typeof piece>) => refused(() => checkOutput({ ...piece, ...more }));
    const offset = Number.MAX_SAFE_INTEGER - outputPieceBytesMax;
    assert.deepEqual(output({ offset, totalBytes: Number.MAX_SAFE_INTEGER, data: Buffer.alloc(outputPieceBytesMax) }), []);
    assert.deepEqual(output({ offset: offset + 1 }), ["output.offset"]);
    assert.deepEqual(output({ offset: -1, totalBytes: -1 }), ["output.offset", "output.totalBytes"]);
    assert.deepEqual(output({ data: Buffer.alloc(outputPieceBytesMax + 1) }), ["output.data"]);
  });

  const reports = (events: readonly (ReportEvent | undefined)[], firstSequence = 5, newest = 4) =>
    checkReports({ firstSequence, reports: events.map((event): Report => ({ lease: key, event })) }, newest);
  const artifact = { sha256, size: 1, kind: "output" };
  const finished = (more: object = {}): ReportEvent => {
    const request = ConnectRequest.fromPartial({
      message: {
        $case: "reports",
        value: {
          reports: [
            {
              event: { $case: "finished", value: { reason: EndReason.END_REASON_DONE, step: 3, artifacts: [artifact], ...more } },
            },
          ],
        },
      },
    });
    const event = request.message?.$case === "reports" ? request.message.value.reports[0]?.event : undefined;
    return event ?? assert.fail("an event");
  };

  it("in reports follows what it said before, and breaks no protocol", () => {
    assert.deepEqual(reports([finished()]).reports.length, 1);
    assert.deepEqual(
      refused(() => reports([], 4)),
      ["reports.firstSequence"],
    );
    assert.deepEqual(
      refused(() => reports([], 6)),
      ["reports.firstSequence"],
    );
    assert.deepEqual(
      refused(() => reports([finished(), undefined])),
      ["reports.reports[1].event"],
    );
    assert.deepEqual(
      refused(() => checkReports({ firstSequence: 1, reports: [{ lease: undefined, event: finished() }] }, 0)),
      ["reports.reports[0].lease"],
    );
    const path = "reports.reports[0]";
    assert.deepEqual(
      refused(() => reports([finished({ reason: EndReason.END_REASON_UNSPECIFIED })])),
      [`${path}.finished.reason`],
    );
    assert.deepEqual(
      refused(() => reports([finished({ reason: EndReason.UNRECOGNIZED })])),
      [`${path}.finished.reason`],
    );
    assert.deepEqual(
      refused(() => reports([finished({ artifacts: many(64, () => artifact) })])),
      [],
    );
    assert.deepEqual(
      refused(() => reports([finished({ artifacts: many(65, () => artifact) })])),
      [`${path}.finished.artifacts`],
    );
    assert.deepEqual(
      refused(() => reports([finished({ artifacts: [artifact, { ...artifact, sha256: "x" }] })])),
      [`${path}.finished.artifacts[1].sha256`],
    );
    for (const $case of ["checkpointed", "unrestorable"] as const) {
      const value = { step: 1, message: "", checkpoint: undefined };
      assert.deepEqual(
        refused(() => reports([{ $case, value } as ReportEvent])),
        [`${path}.${$case}.checkpoint`],
      );
      const wrong = { ...value, checkpoint: { ...artifact, size: -1 } };
      assert.deepEqual(
        refused(() => reports([{ $case, value: wrong } as ReportEvent])),
        [`${path}.${$case}.checkpoint.size`],
      );
    }
  });

  it("past a trial's bounds becomes the trial's end with what it left, and only a finding where it only told", () => {
    const measured = {
      $case: "measured",
      value: { step: limits.stepMax + 7, metrics: {}, learned: {}, scales: {}, hypergradients: {}, vectors: {}, seconds: 0 },
    } as const;
    const checkpointed = { $case: "checkpointed", value: { step: limits.stepMax + 1, checkpoint: artifact } } as const;
    const found = { $case: "found", value: { source: text(200), severity: "info", message: "m" } } as const;
    const [one, two, three, four] = reports([measured, checkpointed, found, finished({ step: limits.stepMax + 1 })]).reports.map(
      ({ event }) => event,
    );
    for (const [event, what, artifacts] of [
      [one, /^a measurement was refused: step/, []],
      [two, /^a checkpoint was refused: step/, []],
      [four, /^its end was refused: step/, [artifact]],
    ] as const) {
      assert.ok(event?.$case === "finished");
      assert.match(event.value.message, what);
      assert.deepEqual(
        [event.value.reason, event.value.step, event.value.artifacts],
        [EndReason.END_REASON_USER_ERROR, limits.stepMax, artifacts],
      );
    }
    assert.ok(three?.$case === "found");
    assert.deepEqual([three.value.source, three.value.severity], ["coordinator", "warning"]);
    assert.match(three.value.message, /^a finding was refused: source/);
  });

  it("with a message is cut to what is kept of it, and is left alone otherwise", () => {
    const long = text(limits.textCharactersMax + 100);
    const unrestorable = { $case: "unrestorable", value: { checkpoint: artifact, message: long } } as const;
    const found = { $case: "found", value: { source: "s", severity: "info", message: long } } as const;
    const kept = reports([finished({ message: long }), unrestorable, found]).reports;
    for (const { event } of kept) {
      assert.ok(event !== undefined && "message" in event.value);
      assert.equal(event.value.message, keptText(long));
    }
    assert.deepEqual(
      kept.map(({ event }) => event?.$case),
      ["finished", "unrestorable", "found"],
    );
    const whole = finished({ message: "short" });
    assert.deepEqual(reports([whole]), { firstSequence: 5, reports: [{ lease: key, event: whole }] });
  });
});
