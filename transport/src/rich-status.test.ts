/** google.rpc.Status as a stranger decodes it: from its published definition, with none of our code. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RegulusError } from "@regulus/proto";
import protobuf from "protobufjs";
import { protoPath, richStatusTrailer } from "./rich-status.js";
import { toStatus } from "./status.js";

/** google/rpc/status.proto and error_details.proto, what of them concerns us. */
const { root } = protobuf.parse(`
  syntax = "proto3"; package google.rpc;
  message Any { string type_url = 1; bytes value = 2; }
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
  message BadRequest {
    message FieldViolation { string field = 1; string description = 2; }
    repeated FieldViolation field_violations = 1;
  }`);

interface Decoded {
  readonly code: number;
  readonly message: string;
  readonly violations: readonly { readonly field: string; readonly description: string }[];
}

function decode(status: ReturnType<typeof toStatus>): Decoded {
  const [trailer] = status.metadata.get(richStatusTrailer);
  assert.ok(Buffer.isBuffer(trailer));
  const { code, message, details } = root.lookupType("google.rpc.Status").decode(trailer).toJSON();
  const violations = (details ?? []).flatMap((any: { type_url?: string; typeUrl?: string; value: string }) => {
    assert.equal(any.typeUrl, "type.googleapis.com/google.rpc.BadRequest");
    return root.lookupType("google.rpc.BadRequest").decode(Buffer.from(any.value, "base64")).toJSON().fieldViolations ?? [];
  });
  return { code, message, violations };
}

test("wrong fields come as violations with the paths of the .proto files", () => {
  const problems = [
    { field: "budget.stepsPerTrial", seen: "-1", expected: "a whole number" },
    { field: "space[2].double.max", seen: "NaN", expected: "a finite number" },
    { field: "strategy.options.minSteps", seen: "0", expected: "at least 1" },
  ];
  const decoded = decode(toStatus(RegulusError.invalid(problems), "spec"));
  assert.equal(decoded.code, 3);
  assert.match(decoded.message, /^budget\.stepsPerTrial: saw -1/);
  assert.deepEqual(decoded.violations, [
    { field: "spec.budget.steps_per_trial", description: "saw -1, expected a whole number" },
    { field: "spec.space[2].double.max", description: "saw NaN, expected a finite number" },
    { field: "spec.strategy.options.minSteps", description: "saw 0, expected at least 1" },
  ]);
});

test("every other error carries its code and words, without details", () => {
  const decoded = decode(toStatus(new RegulusError("not-found", "no search s1")));
  assert.deepEqual(decoded, { code: 5, message: "no search s1", violations: [] });
});

test("paths keep the names that users gave and begin in the request once", () => {
  const cases = [
    ["searchId", "", "search_id"],
    ["spec", "spec", "spec"],
    ["spec.name", "spec", "spec.name"],
    ["idempotencyKey", "spec", "idempotency_key"],
    ["command.env.myVar", "spec", "spec.command.env.myVar"],
    ["command.stopGraceMs", "spec", "spec.command.stop_grace_ms"],
    ["labels[ownerName]", "", "labels[ownerName]"],
    ["(request)", "", ""],
    ["(further)", "spec", "spec"],
  ] as const;
  for (const [field, request, expected] of cases) assert.equal(protoPath(field, request), expected, field);
});

test("five hundred long problems fit the headers of a default client", () => {
  const problem = (index: number) => ({ field: `space[${index}].max`, seen: "ü".repeat(900), expected: "less" });
  const status = toStatus(RegulusError.invalid(Array.from({ length: 500 }, (_, index) => problem(index))), "spec");
  assert.ok(decode(status).violations.length >= 3);
  let bytes = encodeURIComponent(status.details).length;
  for (const [name, value] of Object.entries(status.metadata.toHttp2Headers())) bytes += name.length + String(value).length + 32;
  assert.ok(bytes < 7900, `${bytes} bytes of headers`);
});
