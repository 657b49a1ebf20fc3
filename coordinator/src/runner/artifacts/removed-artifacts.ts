/** What went out of the artifact store, and why: counted for metrics, and told for the log at most once in a while, since a busy cluster removes many. */
import { counted } from "@regulus/proto";
import type { Clock } from "../../ports.js";
import type { Notify } from "../round/notices.js";

/** Why an artifact was removed: nothing refers to it any more, a crash or an upload left it over, or it stood in the way of its caller's quota. */
export const removalCauses = ["released", "left_over", "quota"] as const;
export type RemovalCause = (typeof removalCauses)[number];

/** Time from the first removal to the line that tells of it and of those that follow. */
export const tellAfterMs = 60_000;

interface Removed {
  artifacts: number;
  bytes: number;
}

export class RemovedArtifacts {
  /** Since the start, by cause. */
  readonly artifactsTotal: Record<string, number> = {};
  readonly bytesTotal: Record<string, number> = {};
  readonly #clock: Clock;
  readonly #notify: Notify;
  /** What the log was not told of yet. */
  readonly #untold = new Map<RemovalCause, Removed>();
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, notify: Notify) {
    this.#clock = clock;
    this.#notify = notify;
  }

  note(cause: RemovalCause, bytes: number): void {
    this.artifactsTotal[cause] = (this.artifactsTotal[cause] ?? 0) + 1;
    this.bytesTotal[cause] = (this.bytesTotal[cause] ?? 0) + bytes;
    const untold = this.#untold.get(cause) ?? { artifacts: 0, bytes: 0 };
    this.#untold.set(cause, { artifacts: untold.artifacts + 1, bytes: untold.bytes + bytes });
    this.#cancel ??= this.#clock.wake(this.#clock.now() + tellAfterMs, () => this.tell());
  }

  /** Tells what was not told yet. */
  tell(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    for (const [cause, { artifacts, bytes }] of this.#untold) {
      const message = `${counted(artifacts, "artifact")} removed from the store: ${causeWords[cause]}`;
      this.#notify({ message, fields: { cause, artifacts, bytes } });
    }
    this.#untold.clear();
  }
}

const causeWords: Readonly<Record<RemovalCause, string>> = {
  released: "no search refers to them any more",
  left_over: "no search ever referred to them, or a crash came in between",
  quota: "no search referred to them for an hour, and their caller needed the room",
};
