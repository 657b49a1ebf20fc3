/** How long an upload may hold its place: those who send fast enough are never cut off, and nobody holds one for longer than the bounds say. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bounds } from "./bounds.js";
import { UploadPace } from "./upload-pace.js";

const rate = bounds.artifactBytesPerSecondMin / 1000;
const piece = fc.record({
  bytes: fc.integer({ min: 0, max: 1_000_000 }),
  /** Part of the time that the sender may take, and time in which our disk writes. */
  part: fc.double({ min: 0, max: 1, noNaN: true }),
  diskMs: fc.integer({ min: 0, max: 60_000 }),
});

test("a sender as fast as the least rate, with no piece late, is waited for; what our own disk takes is not its fault", () => {
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 60 }), (pieces) => {
      let now = 5000;
      const pace = new UploadPace(() => now);
      let [sent, waited] = [0, 0];
      for (const { bytes, part, diskMs } of pieces) {
        // As late as it may come: behind the rate by the grace at most.
        const allowedMs = Math.min(bounds.artifactPieceWithinMs, bounds.artifactGraceMs + sent / rate - waited);
        const waitMs = Math.max(0, allowedMs) * part;
        assert.ok(waitMs <= pace.patienceMs + 1e-6, `${waitMs} of ${pace.patienceMs} ms`);
        now += waitMs;
        pace.came(bytes, waitMs);
        now += diskMs;
        sent += bytes;
        waited += waitMs;
      }
    }),
    { numRuns: 200 },
  );
});

test("whatever comes, nobody is waited for longer than the grace and the least rate allow, nor past the time for the whole", () => {
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 60 }), (pieces) => {
      let now = 0;
      const pace = new UploadPace(() => now);
      let [sent, waited] = [0, 0];
      for (const { bytes, part, diskMs } of pieces) {
        const waitMs = pace.patienceMs * part;
        assert.ok(waitMs <= bounds.artifactPieceWithinMs);
        now += waitMs;
        waited += waitMs;
        assert.ok(waited <= bounds.artifactGraceMs + sent / rate + 1e-6, `${waited} ms for ${sent} bytes`);
        assert.ok(now <= bounds.artifactWithinMs);
        pace.came(bytes, waitMs);
        sent += bytes;
        now = Math.min(bounds.artifactWithinMs, now + diskMs);
      }
      now = bounds.artifactWithinMs;
      assert.equal(pace.patienceMs, 0, "the whole has its time");
    }),
    { numRuns: 200 },
  );
});

test("a sender of single bytes is told what was seen and expected, after the grace", () => {
  const pace = new UploadPace(() => 0);
  let waited = 0;
  while (pace.patienceMs >= 1000) {
    pace.came(1, 1000);
    waited += 1000;
  }
  assert.equal(waited, bounds.artifactGraceMs);
  const { code, message } = pace.tooSlow(500);
  assert.equal(code, "deadline");
  assert.match(message, /^the artifact came too slowly: 15 bytes in 16 s; expected a piece every 30000 ms, 16384 bytes a second/);
});
