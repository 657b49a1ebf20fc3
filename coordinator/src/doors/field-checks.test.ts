/** The bound of each kind of field at the doors, at its edge, and that no bound is wider than what a message holds. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { limits, SearchStatus } from "@regulus/proto";
import { bounds } from "./bounds.js";
import { keptText, RequestChecks } from "./request-checks.js";
import { many, refused, text } from "./testing/refused-fields.js";

const checked = (check: (checks: RequestChecks) => void): string[] =>
  refused(() => {
    const checks = new RequestChecks();
    check(checks);
    checks.done();
  });

describe("a field of a request", () => {
  const numbers: readonly [name: string, field: (checks: RequestChecks, value: number) => void, good: number[], bad: number[]][] =
    [
      ["trial", (checks, value) => checks.trial("f", value), [0, limits.trialsMax - 1], [-1, 0.5, limits.trialsMax, Number.NaN]],
      [
        "wholeNumber",
        (checks, value) => checks.wholeNumber("f", value, { min: 2, max: 2 ** 60 }),
        [2, 3, 2 ** 53 - 1],
        [1, 2.5, 2 ** 53],
      ],
      ["count", (checks, value) => void checks.count("f", value, 3), [0, 3], [4]],
      ["text", (checks, value) => checks.text("f", text(value)), [0, 128], [129]],
      ["text with a bound", (checks, value) => checks.text("f", text(value), 5), [5], [6]],
      ["id", (checks, value) => checks.id("f", text(value)), [1, 128], [0, 129]],
      ["sha256", (checks, value) => checks.sha256("f", "a".repeat(value)), [64], [63, 65]],
    ];
  for (const [name, field, good, bad] of numbers) {
    it(`${name} is taken up to its edge and refused past it`, () => {
      for (const value of good)
        assert.deepEqual(
          checked((checks) => field(checks, value)),
          [],
          `${value}`,
        );
      for (const value of bad)
        assert.deepEqual(
          checked((checks) => field(checks, value)),
          ["f"],
          `${value}`,
        );
    });
  }

  it("count says whether a list may be looked at", () => {
    const checks = new RequestChecks();
    assert.deepEqual([checks.count("f", 3, 3), checks.count("f", 4, 3)], [true, false]);
  });

  it("sha256 is lower-case hexadecimal and nothing around it", () => {
    for (const wrong of ["A".repeat(64), "g".repeat(64), `${"a".repeat(64)}\n`, ` ${"a".repeat(63)}`])
      assert.deepEqual(
        checked((checks) => checks.sha256("f", wrong)),
        ["f"],
      );
  });

  it("artifact names each of its parts", () => {
    const whole = { sha256: "0".repeat(64), size: limits.artifactBytesMax, kind: "checkpoint" };
    assert.deepEqual(
      checked((checks) => checks.artifact("f", whole)),
      [],
    );
    assert.deepEqual(
      checked((checks) => checks.artifact("f", { ...whole, size: 0 })),
      [],
    );
    const wrong = { sha256: "", size: limits.artifactBytesMax + 1, kind: text(129) };
    assert.deepEqual(
      checked((checks) => checks.artifact("f", wrong)),
      ["f.sha256", "f.size", "f.kind"],
    );
  });

  it("labels have names, and names and values are short texts", () => {
    const labels = (pairs: Record<string, string>) => checked((checks) => checks.labels("f", pairs));
    assert.deepEqual(labels(Object.fromEntries(many(limits.labelsMax, (index) => [`l${index}`, ""]))), []);
    assert.deepEqual(labels(Object.fromEntries(many(limits.labelsMax + 1, (index) => [`l${index}`, ""]))), ["f"]);
    assert.deepEqual(labels({ "": "x" }), ["f[]"]);
    assert.deepEqual(labels({ owner: text(129), [text(129)]: "x" }), ["f[owner]", `f[${text(129)}]`]);
  });

  it("filter takes known values and not the one that stands for none", () => {
    const filter = (values: readonly string[]) => checked((checks) => checks.filter("f", values, SearchStatus));
    const known = Object.values(SearchStatus).filter((name) => !/UNSPECIFIED|UNRECOGNIZED/.test(name));
    assert.deepEqual(filter(known), []);
    assert.deepEqual(filter([]), []);
    for (const wrong of ["SEARCH_STATUS_UNSPECIFIED", "UNRECOGNIZED", "running"])
      assert.deepEqual(filter([known[0] ?? "", wrong]), ["f[1]"]);
    assert.deepEqual(filter(many(4 * known.length, () => known[0] ?? "")), []);
    assert.deepEqual(filter(many(4 * known.length + 1, () => known[0] ?? "")), ["f"]);
  });

  it("page holds a short token and a short order", () => {
    const page = (token: number, order: number) =>
      checked((checks) => checks.page({ pageSize: 0, pageToken: text(token), orderBy: text(order) }));
    assert.deepEqual(page(bounds.pageTokenCharactersMax, limits.nameCharactersMax), []);
    assert.deepEqual(page(bounds.pageTokenCharactersMax + 1, limits.nameCharactersMax + 1), ["pageToken", "orderBy"]);
  });

  it("problems come all at once, and free text is cut, not refused", () => {
    const found = checked((checks) => {
      checks.problem("a", 1, "2");
      checks.id("b", "");
    });
    assert.deepEqual(found, ["a", "b"]);
    assert.ok(keptText(text(limits.textCharactersMax + 1)).length <= limits.textCharactersMax);
    assert.equal(keptText(text(limits.textCharactersMax)), text(limits.textCharactersMax));
  });
});

describe("the doors' bounds", () => {
  it("fit each other, the contract and what gRPC does by default", () => {
    assert.ok(bounds.answerBytesMax < bounds.answerRoomBytes && bounds.answerRoomBytes <= limits.messageBytesMax);
    assert.ok(bounds.specBytesMax * 2 < bounds.answerBytesMax, "defaults and an envelope around a spec");
    assert.ok(4 * bounds.answerRoomBytes <= bounds.answersBytesMax && 4 * limits.messageBytesMax <= bounds.requestsBytesMax);
    assert.ok(bounds.unsentBytesMax <= limits.readerPieceBytesMax);
    assert.ok(bounds.crowdedStallMs < bounds.readerStallMs && bounds.guardEveryMs < bounds.crowdedStallMs);
    assert.ok(bounds.crowdedBytesPerSecondMin > bounds.readerBytesPerSecondMin);
    assert.ok(bounds.connectionsMax > limits.agentsMax, "clients come in beside all agents");
    assert.ok(bounds.keepaliveTimeoutMs < bounds.keepaliveEveryMs);
    assert.ok(bounds.unacknowledgedReportsMax > 1000 && bounds.unsentAgentMessagesMax > limits.slotsMax);
    // In seconds a person or an agent notices, and no longer.
    for (const ms of [
      bounds.requestWithinMs,
      bounds.readerStallMs,
      bounds.readerGraceMs,
      bounds.registerWithinMs,
      bounds.closeWithinMs,
      bounds.keepaliveEveryMs,
      bounds.keepaliveTimeoutMs,
      bounds.crowdedStallMs,
    ])
      assert.ok(ms >= 1000 && ms <= 30_000, `${ms}`);
    assert.deepEqual([bounds.heartbeatsMissedMax, bounds.artifactStreamsPerCallerMax], [2, 128]);
    assert.ok(bounds.metadataBytesMax >= 8 * 1024 && bounds.metadataBytesMax <= 64 * 1024);
    assert.ok(bounds.pageTokenCharactersMax >= 2 * limits.nameCharactersMax);
  });
});
