/** The store holds what trials may still need, and in the end nothing else: over retries, restarts and the deletion of a search. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ArtifactRef, EndReason, type Lease, ListTrialsRequest, type Trial } from "@regulus/proto";
import fc from "fast-check";
import { type Hand, measurement } from "../testing/hand.js";
import { ScriptedCoordinator, start } from "../testing/scripted-coordinator.js";
import { artifactGraceMs, orphanAgeMs } from "./artifact-ledger.js";

/** Agents of this test are silent for as long as they like. */
const leaseTimeoutMs = 1e9;

type Act = "save" | "measure" | "done" | "lost" | "preempted" | "damaged" | "userError" | "retry" | "restart" | "wait";
const acts = fc.array(
  fc.record({
    act: fc.constantFrom<Act>(
      "save",
      "save",
      "save",
      "measure",
      "measure",
      "done",
      "lost",
      "preempted",
      "damaged",
      "userError",
      "retry",
      "restart",
      "wait",
    ),
    which: fc.nat(1),
    loss: fc.integer({ min: 0, max: 3 }),
  }),
  { minLength: 6, maxLength: 24, size: "max" },
);

/** Two trials at work in the hands of one agent, whose process may come and go. */
class Life {
  readonly at = new ScriptedCoordinator();
  /** Newest step of each trial. */
  readonly #steps = new Map<number, number>();
  #puts = 0;
  hand: Hand | undefined;
  searchId = "";

  async begin(): Promise<void> {
    this.at.proposals = (asked) => (asked === 1 ? [start(0.1, { untilStep: 1e6 }), start(0.2, { untilStep: 1e6 })] : []);
    await this.at.openVirtual(leaseTimeoutMs);
    this.#connect([]);
    const more = { retries: { max: 50, backoff: "1ms" }, budget: { trials: 2, failures: 1000 } };
    this.searchId = (await this.at.answer(this.at.create(more))).searchId;
    await this.#settle();
  }

  async act(act: Act, which: number, loss: number): Promise<void> {
    const { at, hand } = this;
    const lease = this.#leaseOf(which);
    const step = (this.#steps.get(which) ?? 0) + 1;
    if (act === "wait") await at.advance(3 * artifactGraceMs);
    else if (act === "restart") {
      const active = [0, 1].flatMap((trial) => this.#leaseOf(trial)?.key ?? []);
      await at.answer(at.close());
      for (const given of this.#given) this.#recalled.add(given);
      await at.openVirtual(leaseTimeoutMs);
      this.#connect(active);
    } else if (act === "retry") {
      const failed = this.trials().filter(({ reason }) => reason === EndReason.END_REASON_USER_ERROR);
      const trials = failed.map(({ trial }) => trial);
      if (trials.length > 0) await at.answer(at.coordinator.retryTrials({ searchId: this.searchId, trials, idempotencyKey: "" }));
    } else if (lease === undefined || hand === undefined) {
      // It is over, or waits for its turn.
    } else if (act === "save") {
      this.#steps.set(which, step);
      hand.report(lease, { $case: "checkpointed", value: { step, checkpoint: await this.#put("checkpoint") } });
    } else if (act === "measure") {
      this.#steps.set(which, step);
      hand.measure(lease, step, loss);
    } else if (act === "damaged") {
      const { resumeFrom: checkpoint } = lease;
      if (checkpoint !== undefined) hand.report(lease, { $case: "unrestorable", value: { checkpoint, message: "torn" } });
      hand.finish(lease, EndReason.END_REASON_LOST, { step: 0 });
    } else {
      const reasons = {
        done: EndReason.END_REASON_DONE,
        lost: EndReason.END_REASON_LOST,
        preempted: EndReason.END_REASON_PREEMPTED,
        userError: EndReason.END_REASON_USER_ERROR,
      } as const;
      const artifacts = act === "done" || act === "userError" ? [await this.#put("output")] : [];
      const final = act === "done" ? measurement(step, { loss }) : undefined;
      hand.finish(lease, reasons[act], { step, final, artifacts });
    }
    await this.#settle();
  }

  trials(): Trial[] {
    return this.at.coordinator.listTrials(ListTrialsRequest.fromPartial({ searchId: this.searchId })).trials;
  }

  /** What trials name, and what the next attempt would begin from. */
  named(): Set<string> {
    const refs = this.trials().flatMap(({ checkpoint, bestCheckpoint, artifacts }) => [checkpoint, bestCheckpoint, ...artifacts]);
    return new Set(refs.flatMap((ref) => ref?.sha256 ?? []));
  }

  async stored(): Promise<Set<string>> {
    const sums = new Set<string>();
    for await (const { sha256 } of this.at.artifacts.list()) sums.add(sha256);
    return sums;
  }

  /** What the attempts at work began from, of those that began since the last restart: an agent that had the lease before has the bytes too. */
  begun(): string[] {
    const leases = [0, 1].map((trial) => this.#leaseOf(trial));
    return leases.flatMap((lease) => (lease === undefined || this.#recalled.has(lease) ? [] : (lease.resumeFrom?.sha256 ?? [])));
  }

  async #put(kind: string): Promise<ArtifactRef> {
    this.#puts += 1;
    return await this.at.put(`bytes ${this.#puts}`, kind);
  }

  /** The lease of a running trial. */
  #leaseOf(trial: number): Lease | undefined {
    const running = this.trials().find((one) => one.trial === trial && one.status === "TRIAL_STATUS_RUNNING");
    return running && this.#given.findLast(({ key }) => key?.trial === trial && key.attempt === running.attempts);
  }

  readonly #given: Lease[] = [];
  /** Those that were given before a restart. */
  readonly #recalled = new Set<Lease>();

  #connect(active: readonly Lease["key"][]): void {
    this.hand = this.at.hand("a", active, { instance: "one", onLease: (lease) => void this.#given.push(lease) });
  }

  async #settle(): Promise<void> {
    for (let moment = 0; moment < 4; moment += 1) {
      await this.at.advance(5);
      // An agent that gave a lease back gets none before it is heard of.
      this.hand?.beat(...[0, 1].map((trial) => this.#leaseOf(trial)));
    }
  }
}

test("whatever becomes of trials, what they name and what attempts began from is stored; what nothing names is gone after a while", async () => {
  await fc.assert(
    fc.asyncProperty(acts, async (taken) => {
      const life = new Life();
      await life.begin();
      try {
        for (const { act, which, loss } of taken) {
          await life.act(act, which, loss);
          const stored = await life.stored();
          for (const sum of [...life.named(), ...life.begun()]) assert.ok(stored.has(sum), `after ${act}`);
        }
        // Everything ends; what the grace of the last changes leaves goes.
        for (let turn = 0; turn < 20 && life.trials().some(({ endedMs }) => endedMs === 0); turn += 1)
          await life.act("done", turn % 2, 1);
        assert.ok(life.trials().every(({ endedMs }) => endedMs > 0));
        await life.at.advance(3 * artifactGraceMs);
        const restarts = taken.some(({ act }) => act === "restart");
        if (!restarts) assert.deepEqual(await life.stored(), life.named());
        // What a restart cut short in its grace goes with the sweep of a later one.
        await life.at.advance(orphanAgeMs + 1);
        await life.act("restart", 0, 0);
        await life.at.advance(1);
        assert.deepEqual(await life.stored(), life.named());
        await life.at.answer(life.at.coordinator.deleteSearch(life.searchId));
        await life.at.advance(3 * artifactGraceMs);
        assert.deepEqual(await life.stored(), new Set());
        assert.ok(!life.at.notices.some(({ isWarning }) => isWarning), "and no start missed anything");
      } finally {
        await life.at.answer(life.at.close());
      }
    }),
    { numRuns: 25 },
  );
});
