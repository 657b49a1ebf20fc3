/**
 * google.rpc.Status, as clients of other services read it: the trailer "grpc-status-details-bin" holds the code, the words and, for wrong
 * fields, a google.rpc.BadRequest whose paths are those of the .proto files (`spec.budget.steps_per_trial`). Written by hand: three messages
 * of two fields each are less than the files that would generate them (googleapis, google/rpc/status.proto and error_details.proto).
 */
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import type { Problem } from "@regulus/proto";
import { cutText } from "@regulus/proto";

/** Trailer that carries the Status message. */
export const richStatusTrailer = "grpc-status-details-bin";
/** Bytes of all violations; base64 makes them a third longer, and the problems of our own trailer stand beside them. */
const violationsBytesMax = 1792;
/** Characters of a violation's description. */
const descriptionCharactersMax = 256;

/** Fields of a request that stand beside the one its other paths begin in. */
const besides = new Set(["idempotency_key"]);
/** Fields whose entries are named by users: their names are not fields of a message. */
const maps = new Set(["options", "env", "labels", "agentLabels", "parameters", "values", "metrics"]);

/** The Status message of an answer. `message` is cut before by its caller. */
export function encodeRichStatus(code: number, message: string, problems: readonly Problem[], request = ""): Uint8Array {
  const status = new BinaryWriter().uint32(8).int32(code).uint32(18).string(message);
  if (problems.length > 0) {
    const any = new BinaryWriter().uint32(10).string("type.googleapis.com/google.rpc.BadRequest");
    any.uint32(18).bytes(encodeBadRequest(problems, request));
    status.uint32(26).bytes(any.finish());
  }
  return status.finish();
}

/**
 * A problem's path as in the .proto files. `request` is the field of the request that paths begin in, where they leave it out: spec for
 * CreateSearch.
 */
export function protoPath(field: string, request: string): string {
  if (field.startsWith("(")) return request;
  const parts = field.split(/(?=[.[])/);
  const opaque = parts.findIndex((part) => maps.has(part.replace(/^\./, "")));
  const named = parts.map((part, index) => (opaque >= 0 && index > opaque ? part : snakeCase(part))).join("");
  const whole = request === "" || besides.has(named) || /^(\w+)/.exec(named)?.[1] === request;
  return whole ? named : `${request}.${named}`;
}

function encodeBadRequest(problems: readonly Problem[], request: string): Uint8Array {
  const writer = new BinaryWriter();
  let bytes = 0;
  for (const { field, seen, expected } of problems) {
    const description = cutText(`saw ${seen}, expected ${expected}`, descriptionCharactersMax);
    const violation = new BinaryWriter().uint32(10).string(protoPath(field, request)).uint32(18).string(description).finish();
    bytes += violation.length + 4;
    if (bytes > violationsBytesMax) break;
    writer.uint32(10).bytes(violation);
  }
  return writer.finish();
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
