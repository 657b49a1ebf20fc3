/** The listening rule: what is loopback, what is refused, and what the refusals say. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RegulusError } from "@regulus/proto";
import { assertMayListen, formatAddress, isLoopback, listenFailure, parseListenAddress } from "./listen-address.js";

const refusal = (run: () => unknown): RegulusError => {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof RegulusError) return thrown;
    throw thrown;
  }
  throw new Error("nothing was refused");
};

test("addresses are read as people write them", () => {
  assert.deepEqual(parseListenAddress("--listen", "127.0.0.1:7711"), { host: "127.0.0.1", port: 7711 });
  assert.deepEqual(parseListenAddress("--listen", "[::1]:0"), { host: "::1", port: 0 });
  assert.equal(formatAddress({ host: "::1", port: 7711 }), "[::1]:7711");
  for (const text of ["7711", "localhost", "localhost:", ":7711", "::1:7711", "host:70000", "[nonsense]:1", "a b:1", ""]) {
    const error = refusal(() => parseListenAddress("--listen", text));
    assert.equal(error.code, "invalid-argument", text);
    assert.match(error.message, /--listen: saw ".*", expected HOST:PORT/);
  }
});

test("only this machine's own addresses are loopback", () => {
  for (const host of ["127.0.0.1", "127.9.9.9", "localhost", "::1", "0:0:0:0:0:0:0:1"]) assert.ok(isLoopback(host), host);
  const others = [
    "0.0.0.0",
    "::",
    "10.0.0.1",
    "192.168.1.1",
    "example.com",
    "127.0.0.1.example.com",
    "::2",
    "fe80::1",
    "localhost.localdomain",
  ];
  for (const host of others) assert.ok(!isLoopback(host), host);
});

test("any other address needs mutual TLS", () => {
  const everywhere = { host: "0.0.0.0", port: 7711 };
  const flags = "--tls-cert, --tls-key and --tls-client-ca";
  const error = refusal(() => assertMayListen("--listen", everywhere, false, flags));
  assert.equal(error.code, "failed-precondition");
  assert.match(error.message, /--listen 0\.0\.0\.0:7711: .*--tls-cert, --tls-key and --tls-client-ca/);
  assertMayListen("--listen", everywhere, true, flags);
  assertMayListen("--listen", { host: "::1", port: 1 }, false, flags);
});

test("a port in use is named, with a way out", () => {
  const cause = new Error("listen EADDRINUSE: address already in use 127.0.0.1:7711");
  const error = listenFailure("--listen", { host: "127.0.0.1", port: 7711 }, cause);
  assert.equal(error.code, "unavailable");
  assert.match(error.message, /port 7711 at 127\.0\.0\.1 is in use.*--listen 127\.0\.0\.1:0/);
});
