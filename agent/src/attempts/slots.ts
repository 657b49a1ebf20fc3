/** Which of the agent's slots are taken. A trial keeps its numbers while its attempt runs. */

export class Slots {
  readonly #taken = new Set<number>();

  /** @param shareOf slots with the same answer share their devices; a trial gets slots whose devices are used least. */
  readonly #count: number;
  readonly #shareOf: (slot: number) => number;

  constructor(count: number, shareOf: (slot: number) => number = (slot) => slot) {
    this.#count = count;
    this.#shareOf = shareOf;
  }

  get used(): number {
    return this.#taken.size;
  }

  get free(): number {
    return this.#count - this.#taken.size;
  }

  /** Takes so many of the free slots, in rising order: `wanted` where they are free, else those with the least used devices, low numbers first. */
  take(count: number, wanted: readonly number[] = []): readonly number[] {
    if (wanted.length === count && wanted.every((slot) => slot < this.#count && !this.#taken.has(slot))) {
      for (const slot of wanted) this.#taken.add(slot);
      return wanted;
    }
    const slots: number[] = [];
    for (const uses = this.#usesByShare(); slots.length < count; ) {
      const slot = this.#leastUsed(uses);
      if (slot === undefined) break;
      this.#taken.add(slot);
      uses.set(this.#shareOf(slot), (uses.get(this.#shareOf(slot)) ?? 0) + 1);
      slots.push(slot);
    }
    return slots.sort((a, b) => a - b);
  }

  give(slots: readonly number[]): void {
    for (const slot of slots) this.#taken.delete(slot);
  }

  /** The slot that a trial of one slot would get; undefined while none is free. */
  next(): number | undefined {
    return this.#leastUsed(this.#usesByShare());
  }

  #usesByShare(): Map<number, number> {
    const uses = new Map<number, number>();
    for (const slot of this.#taken) uses.set(this.#shareOf(slot), (uses.get(this.#shareOf(slot)) ?? 0) + 1);
    return uses;
  }

  #leastUsed(uses: ReadonlyMap<number, number>): number | undefined {
    let best: number | undefined;
    let fewest = Number.POSITIVE_INFINITY;
    for (let slot = 0; slot < this.#count && fewest > 0; slot += 1) {
      const count = uses.get(this.#shareOf(slot)) ?? 0;
      if (this.#taken.has(slot) || count >= fewest) continue;
      best = slot;
      fewest = count;
    }
    return best;
  }
}
