/** Which TLS files make which credentials, and what becomes of them when the files change beside an agent that runs for months. */
import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { limits } from "@regulus/proto";
import { AgentServiceClient } from "@regulus/transport";
import { TestAuthority } from "@regulus/transport/testing";
import { pino } from "pino";
import { channelCredentials, channelOptions, OwnCredentials, pageTls, streamOptions, type TlsFiles } from "./channel.js";

const folder = mkdtempSync(join(tmpdir(), "regulus-channel-"));
after(() => rmSync(folder, { recursive: true }));
const dayMs = 86_400_000;
const authority = new TestAuthority(join(folder, "one"));
const own = authority.issue("agent", { toMs: Date.now() + 300 * dayMs });
const expiring = authority.issue("expiring", { toMs: Date.now() + dayMs });
const other = new TestAuthority(join(folder, "other"));

interface Logged {
  readonly level: number;
  readonly msg: string;
}

function logInto(logged: Logged[]) {
  return pino({ level: "warn" }, { write: (line: string) => void logged.push(JSON.parse(line)) });
}

test("no files make a plain connection, an authority or all three a safe one, and every other choice is refused by its flag", () => {
  const secure = (tls: TlsFiles) => channelCredentials(tls)._isSecure();
  assert.equal(secure({}), false);
  assert.equal(secure({ ca: authority.ca }), true);
  assert.equal(secure({ ca: authority.ca, ...own }), true);
  const both = { code: "invalid-argument", message: /--tls-cert and --tls-key go together/ };
  for (const one of [{ cert: own.cert }, { key: own.key }])
    for (const ca of [{}, { ca: authority.ca }]) assert.throws(() => channelCredentials({ ...one, ...ca }), both);
  assert.throws(() => channelCredentials(own), { code: "invalid-argument", message: /without --tls-ca/ });
  const unusable = { ca: authority.ca, cert: own.cert, key: other.caKey };
  assert.throws(() => channelCredentials(unusable), { code: "failed-precondition" });
});

test("an agent shows its own certificate to a coordinator that asks for one, and finds another authority's out", async () => {
  const server = new Server();
  const files = authority.issue("server");
  const pair = [{ private_key: readFileSync(files.key), cert_chain: readFileSync(files.cert) }];
  const port = await new Promise<number>((resolve, reject) => {
    const asks = ServerCredentials.createSsl(readFileSync(authority.ca), pair, true);
    server.bindAsync("127.0.0.1:0", asks, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  const reaches = async (tls: TlsFiles) => {
    const client = new AgentServiceClient(`127.0.0.1:${port}`, channelCredentials(tls), streamOptions);
    try {
      return await new Promise<string>((resolve) => {
        const stream = client.connect();
        stream.on("error", (error) => resolve(/UNIMPLEMENTED/.test(error.message) ? "heard" : "not heard"));
        stream.write({ message: undefined });
      });
    } finally {
      client.close();
    }
  };
  try {
    assert.equal(await reaches({ ca: authority.ca, ...own }), "heard");
    assert.equal(await reaches({ ca: authority.ca }), "not heard", "without a certificate");
    assert.equal(await reaches({ ca: other.ca, ...own }), "not heard", "another authority's coordinator");
  } finally {
    server.forceShutdown();
  }
});

test("files are read again for each connection; ones that can't be used are logged and change nothing, a soon end is warned of", () => {
  const logged: Logged[] = [];
  const tls = { ca: join(folder, "ca.pem"), cert: join(folder, "own.pem"), key: join(folder, "own.key") };
  const put = (issued: { readonly cert: string; readonly key: string }) => {
    copyFileSync(issued.cert, tls.cert);
    copyFileSync(issued.key, tls.key);
  };
  copyFileSync(authority.ca, tls.ca);
  put(own);
  const credentials = new OwnCredentials(tls, logInto(logged));
  const warned = () => logged.filter(({ msg }) => /--tls-cert .*own\.pem/.test(msg)).length;
  assert.equal(warned(), 0);
  const before = credentials.fresh();
  put(expiring);
  const renewed = credentials.fresh();
  assert.equal(renewed._equals(before), false);
  assert.equal(warned(), 1);
  writeFileSync(tls.key, "");
  assert.equal(credentials.fresh(), renewed);
  assert.match(logged.at(-1)?.msg ?? "", /TLS files can't be used; the old ones stay in use: .*--tls-key/);
  assert.equal(logged.at(-1)?.level, 50);
  put(own);
  assert.notEqual(credentials.fresh(), renewed);
  const plain = new OwnCredentials({}, logInto(logged));
  assert.equal(plain.fresh(), plain.fresh(), "nothing to read");
  assert.throws(() => new OwnCredentials({ ca: join(folder, "none") }, logInto(logged)), { code: "failed-precondition" });
  const soon: Logged[] = [];
  new OwnCredentials({ ca: authority.ca, ...expiring }, logInto(soon));
  assert.deepEqual(
    [/--tls-ca/, /--tls-cert/].map((flag) => soon.filter(({ msg }) => flag.test(msg)).length),
    [1, 1],
    "at the start, too; the test's authority ends soon as well",
  );
});

test("a page for other machines needs all three files", () => {
  const all = { ca: authority.ca, ...own };
  assert.ok(pageTls(all) !== undefined);
  for (const some of [{ ca: authority.ca, cert: own.cert }, { ca: authority.ca, key: own.key }, own, {}])
    assert.equal(pageTls(some), undefined);
});

test("a dead connection shows within 15 s, no NAT sees a silent minute, and a message may be as large as the contract allows", () => {
  const time = Number(channelOptions["grpc.keepalive_time_ms"]);
  const answer = Number(channelOptions["grpc.keepalive_timeout_ms"]);
  assert.ok(time >= 5000 && answer >= 1000 && time + answer <= 15_000, `${time} and ${answer}`);
  for (const way of ["receive", "send"] as const)
    assert.equal(channelOptions[`grpc.max_${way}_message_length`], limits.messageBytesMax);
});
