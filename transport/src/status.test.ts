/** Errors keep their code, words and problems over the wire. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Metadata, status } from "@grpc/grpc-js";
import { fromServiceError, grpcCodes, problemsTrailer, RegulusError } from "@regulus/proto";
import { toStatus } from "./status.js";

test("every code has its own gRPC code and comes back as itself", () => {
  assert.equal(new Set(Object.values(grpcCodes)).size, Object.keys(grpcCodes).length);
  assert.equal(grpcCodes.conflict, status.ABORTED);
  assert.equal(grpcCodes.exhausted, status.RESOURCE_EXHAUSTED);
  for (const code of Object.keys(grpcCodes)) {
    const sent = new RegulusError(code as keyof typeof grpcCodes, "words");
    const received = fromServiceError(Object.assign(new Error("13 INTERNAL: words"), toStatus(sent)));
    assert.equal(received.code, code);
    assert.equal(received.message, "words");
  }
});

test("problems travel in the trailer, in any language, and fit the 8 KiB of headers of a default client", () => {
  const problems = [{ field: "space[2].max", seen: "∞", expected: "eine endliche Zahl" }];
  const received = fromServiceError(Object.assign(new Error(), toStatus(RegulusError.invalid(problems))));
  assert.deepEqual(received.problems, problems);
  assert.equal(received.message, "space[2].max: saw ∞, expected eine endliche Zahl");

  const many = Array.from({ length: 500 }, (_, index) => ({
    field: `space[${index}].max`,
    seen: "ü".repeat(900),
    expected: "less",
  }));
  const sent = toStatus(RegulusError.invalid(many));
  const trailer = sent.metadata.get(problemsTrailer)[0];
  assert.ok(Buffer.isBuffer(trailer));
  const headerBytes = trailer.toString("base64").length + encodeURIComponent(sent.details).length;
  assert.ok(headerBytes < 7500, `${headerBytes} bytes`);
  const kept = fromServiceError(Object.assign(new Error(), sent)).problems;
  const left = Number(/^(\d+) more problems$/.exec(kept.at(-1)?.seen ?? "")?.[1]);
  assert.equal(kept.length - 1 + left, 500);
});

test("a trailer that is not ours is ignored", () => {
  const metadata = new Metadata();
  metadata.set(problemsTrailer, Buffer.from([255, 255, 255]));
  const received = RegulusError.from(Object.assign(new Error(), { code: 3, details: "no", metadata }));
  assert.deepEqual([received.code, received.message, received.problems.length], ["invalid-argument", "no", 0]);
});
