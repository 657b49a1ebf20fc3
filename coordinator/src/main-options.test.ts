/** The flags: defaults, what they are read as, and that every problem is named at once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RegulusError } from "@regulus/proto";
import { readMainOptions } from "./main-options.js";

const refusal = (...argv: string[]): RegulusError => {
  try {
    readMainOptions(argv);
  } catch (thrown) {
    if (thrown instanceof RegulusError) return thrown;
    throw thrown;
  }
  throw new Error(`${argv.join(" ")} was taken`);
};

test("without flags: loopback, the documented ports, no feed, no TLS", () => {
  assert.deepEqual(readMainOptions([]), {
    listen: { host: "127.0.0.1", port: 7711 },
    metricsListen: { host: "127.0.0.1", port: 7712 },
    data: ".regulus/coordinator",
    leaseTimeoutMs: 10_000,
    heartbeatEveryMs: 2000,
    logLevel: "info",
  });
  const off = readMainOptions(["--metrics-listen", "off", "--nats", "nats://a:4222,nats://b:4222", "--lease-timeout-ms", "4000"]);
  assert.equal(off?.metricsListen, undefined);
  assert.equal(off?.nats, "nats://a:4222,nats://b:4222");
  assert.equal(off?.leaseTimeoutMs, 4000);
});

test("wrong flags are refused with what was seen and what was expected, all at once", () => {
  const many = refusal("--lease-timeout-ms", "abc", "--heartbeat-every-ms", "-3", "--log-level", "loud", "--nats", "localhost");
  assert.deepEqual(
    many.problems.map((problem) => problem.field),
    ["--heartbeat-every-ms", "--lease-timeout-ms", "--log-level", "--nats"],
  );
  assert.match(refusal("--lease-timeout-ms", "3000").message, /at least twice --heartbeat-every-ms, 4000/);
  assert.match(refusal("--listen", "7711").message, /--listen: saw "7711", expected HOST:PORT/);
  assert.match(refusal("--tls-cert", "a.pem").message, /missing: --tls-key, --tls-client-ca/);
  assert.match(refusal("--lisen", "127.0.0.1:0").message, /unknown option '--lisen'/);
  assert.match(refusal("--data").message, /--data/);
  assert.match(refusal("further").message, /too many arguments/);
});
