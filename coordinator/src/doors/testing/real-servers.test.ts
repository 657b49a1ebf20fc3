/** Waits of tests for real servers: they end with what they wait for, and at once where it can't come any more. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually, RealServer } from "./real-servers.js";

test("a wait fails as soon as a process that it needs has ended, with its exit code and its last words", async () => {
  const server = new RealServer("sh", ["-c", "echo the port is taken; read line; exit 3"]);
  await assert.rejects(
    server.start(async () => false),
    /sh is ready can't come any more: sh ended with 3: the port is taken/,
  );
  await assert.rejects(
    eventually("an answer", () => undefined, [server]),
    /an answer can't come any more: sh ended with 3/,
  );
  assert.equal(await eventually("what is there already", () => 7, [server]), 7);
});

test("a server that was killed is over until it is started again, and a program that is not there says what to install", async () => {
  const server = new RealServer("sleep", ["60"]);
  assert.equal(server.over, undefined);
  await server.start(async () => true);
  await server.kill();
  assert.match(server.over ?? "", /sleep ended with SIGKILL/);
  await server.start(async () => true);
  assert.equal(server.over, undefined);
  await server.kill();
  const missing = new RealServer("no-such-program", []);
  await assert.rejects(
    missing.start(async () => false),
    /can't start no-such-program.*apt-get install/,
  );
});
