/** The end of a round: its facts become durable, all searches at once, and only then does anybody hear of it. */
import type { AppendOptions, EventFeed, EventLog } from "../../ports.js";
import type { ArtifactLedger } from "../artifacts/artifact-ledger.js";
import type { SearchEntry } from "../searches/search-entry.js";
import type { Counters } from "./counters.js";
import type { Outbox } from "./outbox.js";

/** Where facts go. */
export interface AnnouncerOptions {
  readonly log: EventLog;
  readonly feed: EventFeed;
  readonly ledger: ArtifactLedger;
  readonly counters: Counters;
}

export class Announcer {
  readonly #options: AnnouncerOptions;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
  }

  /** Appends what searches have that is not in the log. Fails as the log does; then nothing may be spoken of. */
  async append(written: readonly SearchEntry[], options: AppendOptions): Promise<void> {
    if (written.length === 0) return;
    const batch = written.map((entry) => ({ searchId: entry.state.searchId, expected: entry.durable, facts: entry.fresh }));
    await this.#options.log.append(batch, options);
    this.#options.counters.appendsTotal += 1;
  }

  /** The round is durable: everybody may hear of it. */
  speak(written: readonly SearchEntry[], outbox: Outbox): void {
    const { feed, ledger, counters } = this.#options;
    for (const entry of written) {
      const facts = entry.fresh;
      entry.fresh = [];
      entry.durable = entry.state.position;
      counters.count(facts);
      counters.spend(entry.state.cost.sinceAsked());
      feed.publish(facts);
      entry.watchers.publish(facts);
    }
    outbox.deliver();
    for (const waiting of outbox.waiting) waiting.resolve();
    for (const ref of outbox.released) ledger.release(ref);
  }
}
