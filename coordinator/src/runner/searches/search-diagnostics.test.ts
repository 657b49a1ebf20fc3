import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Diagnostic, DiagnosticModule, Finding } from "@regulus/algorithms/core";
import { diagnostics as registered } from "@regulus/algorithms/diagnostics";
import { EndReason, type Fact, SearchStatus } from "@regulus/proto";
import { measurement } from "../testing/hand.js";
import { once, ScriptedCoordinator, start, until } from "../testing/scripted-coordinator.js";
import { findingsPerSearchMax } from "./search-diagnostics.js";

let at: ScriptedCoordinator;
beforeEach(() => {
  at = new ScriptedCoordinator();
});
afterEach(() => at.close());

/** A diagnostic under the name of a registered one, since the catalog checks names. */
function scripted(tell: (found: Finding[], fact: Fact) => void): void {
  const spec = registered.get("scale-watch")?.spec ?? assert.fail("scale-watch is registered");
  const diagnostic: Diagnostic<{ found: Finding[] }> = {
    init: () => ({ found: [] }),
    tell: (state, fact) => {
      tell(state.found, fact);
      return state;
    },
    findings: ({ found }) => found,
  };
  const module: DiagnosticModule<unknown> = { spec, create: () => diagnostic };
  at.diagnostics = new Map([["scale-watch", module]]);
}

const watched = { diagnostics: ["scale-watch"] };
const found = async (searchId: string) =>
  (await at.factsOf(searchId)).flatMap(({ kind }) => (kind?.$case === "findingReported" ? [kind.value] : []));

describe("diagnostics of a search", () => {
  it("report what they find once, whatever is measured again and however often the coordinator restarts", async () => {
    at.proposals = once(start());
    await at.open();
    const hand = at.hand();
    const { searchId } = await at.create(watched);
    await until("a lease", () => hand.leases.length === 1);
    const [lease] = hand.leases;
    hand.measure(lease, 1, Number.POSITIVE_INFINITY);
    hand.measure(lease, 2, Number.NaN);
    await until("acknowledgements", () => hand.acknowledged === 2);
    const expected = [{ key: "metric/0/loss", trial: 0, source: "scale-watch", severity: "warning" }];
    const keysOf = async () =>
      (await found(searchId)).map(({ key, trial, source, severity }) => ({ key, trial, source, severity }));
    assert.deepEqual(await keysOf(), expected);
    await at.close();
    await at.open();
    const back = at.hand("hand", [lease?.key]);
    back.measure(lease, 3, Number.NaN);
    await until("an acknowledgement", () => back.acknowledged === 1);
    assert.deepEqual(await keysOf(), expected);
    const { explanations } = await at.coordinator.explainSearch(searchId, undefined);
    const words = /^trial 0: scale-watch found \(warning\): the metric loss is Infinity at step 1/;
    assert.equal(explanations.filter(({ text }) => words.test(text)).length, 1);
    assert.ok((await at.coordinator.explainSearch(searchId, 0)).explanations.some(({ text }) => /the metric loss/.test(text)));
  });

  it("report after a restart what the log holds the reason for and the coordinator had no time to say", async () => {
    at.proposals = once(start());
    // Says nothing in the first life, as if that had ended between the measurement and the finding.
    scripted(() => undefined);
    await at.open();
    const hand = at.hand();
    const { searchId } = await at.create(watched);
    await until("a lease", () => hand.leases.length === 1);
    hand.measure(hand.leases[0], 1, 0.5);
    await until("an acknowledgement", () => hand.acknowledged === 1);
    await at.close();
    scripted((all, { kind }) => {
      if (kind?.$case === "trialMeasured") all.push({ key: "seen", severity: "info", message: "a measurement" });
    });
    await at.open();
    await until("the finding", () => at.coordinator.getSearch(searchId).position === 5);
    assert.deepEqual(
      (await found(searchId)).map(({ key, trial, message }) => [key, trial, message]),
      [["seen", undefined, "a measurement"]],
    );
  });

  it("fill no log: past the bound one last finding says so", async () => {
    at.proposals = once(start());
    scripted((all, { kind }) => {
      if (kind?.$case !== "trialMeasured") return;
      for (let index = 0; index < 700; index += 1) all.push({ key: `${all.length}`, severity: "info", message: "again" });
    });
    await at.open();
    const hand = at.hand();
    const { searchId } = await at.create(watched);
    await until("a lease", () => hand.leases.length === 1);
    for (const step of [1, 2, 3]) {
      hand.measure(hand.leases[0], step, 0.5);
      await until("an acknowledgement", () => hand.acknowledged === step);
    }
    const findings = await found(searchId);
    assert.equal(findings.length, findingsPerSearchMax);
    assert.equal(findings.at(-1)?.key, "further");
    assert.equal(new Set(findings.map(({ key }) => key)).size, findings.length);
  });

  it("become a finding where they throw, and their search continues to its end", async () => {
    at.proposals = once(start());
    scripted((_, { kind }) => {
      if (kind?.$case === "trialMeasured") throw new TypeError("no scale");
    });
    await at.open();
    const hand = at.hand();
    const { searchId } = await at.create(watched);
    await until("a lease", () => hand.leases.length === 1);
    hand.measure(hand.leases[0], 1, 0.5);
    hand.finish(hand.leases[0], EndReason.END_REASON_DONE, { final: measurement(10, { loss: 0.25 }) });
    await until("the end", () => at.coordinator.getSearch(searchId).status === SearchStatus.SEARCH_STATUS_ENDED);
    const findings = await found(searchId);
    assert.deepEqual(
      findings.map(({ key, severity }) => [key, severity]),
      [["failed", "error"]],
    );
    assert.match(findings[0]?.message ?? "", /threw when it got a fact: TypeError: no scale/);
  });
});
