/** What the log says of callers that TLS turns away, with certificates made by openssl for this test. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect as connectPlain, Server as NetServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type ConnectionOptions, connect } from "node:tls";
import { MutualTls } from "@regulus/transport";
import { type IssuedFiles, TestAuthority } from "@regulus/transport/testing";
import { pino } from "pino";
import { logRefusedHandshakes } from "./refused-handshakes.js";
import { coordinatorForTests } from "./testing/coordinator-for-tests.js";
import { type OpenDoors, openDoors } from "./testing/open-doors.js";

const folder = mkdtempSync(join(tmpdir(), "regulus-tls-"));
const own = new TestAuthority(join(folder, "own"));
const other = new TestAuthority(join(folder, "other"));
const pair = ({ cert, key }: IssuedFiles) => ({ cert: readFileSync(cert), key: readFileSync(key) });

let parts: Awaited<ReturnType<typeof coordinatorForTests>>;
let doors: OpenDoors;

before(async () => {
  const { cert, key } = own.issue("server");
  const flags = { cert: { flag: "--tls-cert", path: cert }, key: { flag: "--tls-key", path: key } };
  const tls = new MutualTls({ ...flags, clientCa: { flag: "--tls-client-ca", path: own.ca } }, Date.now());
  parts = await coordinatorForTests();
  doors = await openDoors(parts, { tls });
});
after(async () => {
  await doors.close();
  await parts.close();
  rmSync(folder, { recursive: true });
});

const port = () => Number(doors.server.address.split(":").at(-1));

/** Lets a connection be refused, and answers what the log says of it. */
async function refusal(open: () => Socket): Promise<Record<string, unknown>> {
  const before = doors.logged.length;
  const socket = open();
  socket.on("error", () => undefined);
  await new Promise((resolve) => socket.once("close", resolve));
  while (doors.logged.length === before) await new Promise((resolve) => setImmediate(resolve));
  return JSON.parse(doors.logged[before] ?? "{}") as Record<string, unknown>;
}

const withTls = (more: ConnectionOptions) => () => {
  const socket = connect({ port: port(), host: "127.0.0.1", rejectUnauthorized: false, ALPNProtocols: ["h2"], ...more });
  return socket.resume();
};

test("a refused handshake is logged at info with the certificate's reason", async () => {
  const cases = [
    [
      withTls(pair(own.issue("expired", { fromMs: Date.now() - 7_200_000, toMs: Date.now() - 3_600_000 }))),
      /certificate has expired/,
    ],
    [withTls(pair(other.issue("strange"))), /not signed by --tls-client-ca/],
    [withTls({}), /no certificate/],
    [() => connectPlain(port(), "127.0.0.1").end("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), /not speak TLS|not TLS/],
  ] as const;
  for (const [open, reason] of cases) {
    const line = await refusal(open);
    assert.equal(line.level, 30, "info");
    assert.equal(line.msg, "a TLS handshake was refused");
    assert.match(String(line.reason), reason, JSON.stringify(line));
    assert.match(String(line.peer), /127\.0\.0\.1|gone|unknown/);
  }
});

test("a caller that knocks a thousand times leaves no thousand lines", async () => {
  for (let knock = 0; knock < 60; knock += 1) {
    const socket = withTls({})();
    socket.on("error", () => undefined);
    await new Promise((resolve) => socket.once("close", resolve));
  }
  assert.ok(doors.logged.length <= 20, `${doors.logged.length} lines in a minute`);
});

test("lines of a minute are bounded, what is past the bound is counted, and the next minute starts over", () => {
  const lines: Record<string, unknown>[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const listener = new NetServer();
  let nowMs = 5000;
  logRefusedHandshakes(listener, log, () => nowMs);
  const knock = (times: number, code?: string) => {
    for (let time = 0; time < times; time += 1)
      listener.emit("tlsClientError", Object.assign(new Error("why"), code && { code }), undefined);
  };
  knock(25);
  assert.equal(lines.length, 20);
  nowMs += 59_999;
  knock(1);
  assert.equal(lines.length, 20);
  nowMs += 1;
  knock(1, "ECONNRESET");
  assert.deepEqual(
    lines.slice(20).map(({ level, refused, code, reason, peer }) => [level, refused, code, reason, peer]),
    [
      [30, 6, undefined, undefined, undefined],
      [30, undefined, "ECONNRESET", "it hung up in the handshake", "unknown"],
    ],
  );
  nowMs += 60_000;
  knock(20);
  nowMs += 60_000;
  knock(1);
  assert.deepEqual(
    lines.slice(22).filter(({ refused }) => refused !== undefined),
    [],
    "nothing is told of where nothing was left out",
  );
  assert.deepEqual([lines[0]?.code, lines[0]?.reason], ["", "why"]);
});
