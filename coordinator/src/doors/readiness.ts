/**
 * Whether the coordinator serves: it has recovered, it is not closing, and its log took the last append. Health checks, /readyz and a
 * metric all follow this one value.
 */

/** What can keep a coordinator from serving. */
export type Obstacle = "recovering" | "closing" | "log can't be written";

export class Readiness {
  readonly #obstacles = new Set<Obstacle>(["recovering"]);
  readonly #followers = new Set<(ready: boolean) => void>();

  get ready(): boolean {
    return this.#obstacles.size === 0;
  }

  get obstacles(): readonly Obstacle[] {
    return [...this.#obstacles];
  }

  set(obstacle: Obstacle, present: boolean): void {
    const before = this.ready;
    if (present) this.#obstacles.add(obstacle);
    else this.#obstacles.delete(obstacle);
    if (this.ready !== before) for (const follower of this.#followers) follower(this.ready);
  }

  /** Calls back now and at each change. Answers how to stop. */
  follow(follower: (ready: boolean) => void): () => void {
    this.#followers.add(follower);
    follower(this.ready);
    return () => this.#followers.delete(follower);
  }
}
