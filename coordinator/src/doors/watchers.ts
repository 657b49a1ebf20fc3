/** Open watches and their backlogs, for the watch metrics. Holds no facts. */

/** One watcher's place. */
export interface Watcher {
  /** It was handed everything up to a position. */
  sent(position: number): void;
  leave(): void;
}

/** The watchers of one coordinator. */
export class Watchers {
  readonly #places = new Set<{ readonly searchId: string; position: number }>();

  enter(searchId: string, after: number): Watcher {
    const place = { searchId, position: after };
    this.#places.add(place);
    return {
      sent: (position) => {
        place.position = position;
      },
      leave: () => this.#places.delete(place),
    };
  }

  get count(): number {
    return this.#places.size;
  }

  /** Facts that are durable and not yet handed over, summed over the watchers. `head` answers a search's newest position. */
  backlog(head: (searchId: string) => number): number {
    let facts = 0;
    for (const place of this.#places) facts += Math.max(0, head(place.searchId) - place.position);
    return facts;
  }
}
