/** What callers may store that no search refers to: bounded for each, whatever comes in which order, and never at the cost of what is referred to. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { limits, RegulusError } from "@regulus/proto";
import fc from "fast-check";
import type { Upload } from "../../coordinator.js";
import { UploadQuota } from "./upload-quota.js";

const bounds = { bytesMax: 100, artifactsMax: 4 };
/** Eight artifacts, each of its own size. */
const sizeOf = (sum: number): number => 5 + sum * 7;
const sum = fc.integer({ min: 0, max: 7 });
const caller = fc.constantFrom("a", "b");
const event = fc.oneof(
  fc.record({ kind: fc.constant("begin" as const), sum, caller }),
  fc.record({ kind: fc.constantFrom("stored" as const, "failed" as const), nth: fc.nat(5) }),
  fc.record({ kind: fc.constantFrom("referred" as const, "unreferred" as const, "removed" as const), sum }),
);

/** The same told as plain sets: who brings what, and whose is what is stored and not referred to. */
class Model {
  readonly open: { readonly upload: Upload; readonly caller: string; readonly sum: number }[] = [];
  readonly loose = new Map<number, string>();
  readonly referred = new Set<number>();

  /** Artifacts that count for a caller. */
  counts(caller: string): number[] {
    const coming = this.open.filter((upload) => upload.caller === caller).map(({ sum }) => sum);
    return [...coming, ...[...this.loose].filter(([, owner]) => owner === caller).map(([sum]) => sum)];
  }

  mayBring(caller: string, sum: number): boolean {
    const all = [...this.counts(caller), sum];
    return all.length <= bounds.artifactsMax && all.reduce((bytes, each) => bytes + sizeOf(each), 0) <= bounds.bytesMax;
  }
}

test("an upload is refused exactly where its caller would have more than it may, and what a search refers to never counts", () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 80 }), (events) => {
      const model = new Model();
      const quota = new UploadQuota({ now: () => 0, isReferred: (name) => model.referred.has(Number(name)), bounds });
      for (const step of events) {
        switch (step.kind) {
          case "begin": {
            const begin = () => quota.begin(step.caller, { sha256: `${step.sum}`, size: sizeOf(step.sum) });
            if (model.mayBring(step.caller, step.sum)) model.open.push({ upload: begin(), caller: step.caller, sum: step.sum });
            else assert.throws(begin, (thrown) => thrown instanceof RegulusError && thrown.code === "exhausted");
            break;
          }
          case "stored":
          case "failed": {
            const [ended] = model.open.splice(step.nth, 1);
            if (ended === undefined) break;
            if (step.kind === "stored") {
              ended.upload.stored();
              if (!model.referred.has(ended.sum)) model.loose.set(ended.sum, model.loose.get(ended.sum) ?? ended.caller);
            }
            ended.upload.leave();
            break;
          }
          case "referred":
            model.referred.add(step.sum);
            model.loose.delete(step.sum);
            quota.forget(`${step.sum}`);
            break;
          case "unreferred":
            model.referred.delete(step.sum);
            break;
          case "removed":
            model.loose.delete(step.sum);
            quota.forget(`${step.sum}`);
        }
        for (const name of ["a", "b"])
          for (let next = 0; next < 8; next += 1)
            assert.equal(quota.hasRoom(name, sizeOf(next)), model.mayBring(name, next), `${name} ${next}`);
      }
    }),
    { numRuns: 300 },
  );
});

test("the bounds of the contract hold where no others are given, and a refusal names what was seen and what is allowed", () => {
  const quota = new UploadQuota({ now: () => 0, isReferred: () => false });
  const big = limits.artifactBytesMax;
  for (let index = 0; index < 16; index += 1) quota.begin("a", { sha256: `${index}`, size: big }).stored();
  assert.throws(
    () => quota.begin("a", { sha256: "next", size: 1 }),
    /no room for an artifact of 1 byte: this caller stored or is storing 16 artifacts of 68719476736 bytes in all that no search refers to, and 65536 artifacts and 68719476736 bytes are allowed/,
  );
  quota.begin("b", { sha256: "next", size: 1 });
});
