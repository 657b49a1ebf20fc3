/** What tests of calls share: a clock that jumps, errors of a server, streams that tests write. */
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import type { ClientReadableStream, ServiceError } from "@grpc/grpc-js";
import { type ErrorCode, type Fact, RegulusError } from "@regulus/proto";
import { toStatus } from "@regulus/transport";
import type { CallClock } from "../retries.js";

/** A clock that jumps to the end of every wait. */
export class JumpingClock implements CallClock {
  readonly waits: number[] = [];
  #nowMs = 1_000_000;

  nowMs(): number {
    return this.#nowMs;
  }

  async wait(ms: number, signal?: AbortSignal): Promise<void> {
    this.waits.push(ms);
    this.#nowMs += ms;
    if (signal?.aborted) throw new RegulusError("cancelled", "the call was cancelled");
  }
}

/** A failure as gRPC gives it to a caller. */
export function serviceError(code: ErrorCode): ServiceError {
  return Object.assign(new Error(code), { ...toStatus(new RegulusError(code, code)) }) as ServiceError;
}

export async function everything<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of iterable) found.push(one);
  return found;
}

/** Whether the n-th wait in a row lies between half and all of the doubled first one, and below the longest. */
export function assertWaits(
  waits: readonly number[],
  { firstMs, maxMs }: { readonly firstMs: number; readonly maxMs: number },
): void {
  for (const [index, ms] of waits.entries()) {
    const whole = Math.min(firstMs * 2 ** index, maxMs);
    assert.ok(ms >= whole / 2 && ms <= whole, `wait ${index + 1} took ${ms} ms of ${whole}`);
  }
}

/** A stream of answers that ends well, or with an error after them. */
export class ScriptedStream<Response> {
  cancels = 0;
  readonly stream: ClientReadableStream<Response>;

  constructor(responses: readonly Response[], error?: Error) {
    async function* all() {
      yield* responses;
      if (error !== undefined) throw error;
    }
    const cancel = () => {
      this.cancels += 1;
    };
    this.stream = Object.assign(Readable.from(all()), { cancel }) as never;
  }
}

export const ended: Fact["kind"] = { $case: "searchEnded", value: { outcome: "SEARCH_OUTCOME_COMPLETED", reason: "" } };
