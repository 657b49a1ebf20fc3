/** Reflection for a caller that never reads: what waits for it is bounded. */
import assert from "node:assert/strict";
import { Duplex } from "node:stream";
import { test } from "node:test";
import type { ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import { addReflection } from "./reflection.js";

test("a caller that asks without end and never reads an answer is asked for no more than a few questions", async () => {
  const handlers: UntypedServiceImplementation[] = [];
  addReflection({ addService: (_: ServiceDefinition, added: UntypedServiceImplementation) => void handlers.push(added) });
  const [handler] = Object.values(handlers[0] ?? {});
  assert.ok(handler !== undefined);
  const asked = 10_000;
  let read = 0;
  const call = new Duplex({
    objectMode: true,
    read() {
      read += 1;
      this.push(
        read > asked ? null : { fileContainingSymbol: "regulus.v1.SearchService", messageRequest: "fileContainingSymbol" },
      );
    },
    // The connection takes nothing: no answer is ever gone.
    write() {},
  });
  Reflect.apply(handler, undefined, [call]);
  for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(call.writableLength > 0, "it answers");
  assert.ok(call.writableLength < 100, `${call.writableLength} answers wait`);
  assert.ok(read < 200, `${read} of ${asked} questions were read`);
});
