/** TLS files as people get them wrong: each says which file, what it holds and what to do. */
import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { RegulusError } from "@regulus/proto";
import { TestAuthority } from "../testing/test-authority.js";
import { MutualTls, namedTlsFiles } from "./mutual-tls.js";
import { readAuthority, readKeyPair } from "./tls-files.js";

const folder = mkdtempSync(join(tmpdir(), "regulus-tls-"));
after(() => rmSync(folder, { recursive: true }));
const authority = new TestAuthority(folder);
const own = authority.issue("own");
const other = authority.issue("other");

const cert = (path: string) => ({ flag: "--tls-cert", path });
const key = (path: string) => ({ flag: "--tls-key", path });
const ca = (path: string) => ({ flag: "--tls-client-ca", path });
const refused = (words: RegExp) => (thrown: unknown) =>
  thrown instanceof RegulusError && thrown.code === "failed-precondition" && words.test(thrown.message);

test("a certificate and its key are read as they are", () => {
  const { value } = readKeyPair(cert(own.cert), key(own.key), Date.now());
  assert.ok(value.cert.equals(readFileSync(own.cert)) && value.key.equals(readFileSync(own.key)));
  assert.ok(
    Math.abs(value.expiresMs - Date.now() - 3_600_000) < 120_000,
    "a validity is in whole seconds, and openssl takes some",
  );
});

test("each wrong file is named with what it holds and what was expected", () => {
  const empty = join(folder, "empty");
  writeFileSync(empty, "");
  const now = Date.now();
  const pair = (certPath: string, keyPath: string) => () => readKeyPair(cert(certPath), key(keyPath), now);
  assert.throws(pair("/no/such.pem", own.key), refused(/^--tls-cert: can't read \/no\/such\.pem: ENOENT/));
  assert.throws(pair(empty, own.key), refused(/--tls-cert .*empty holds no certificate in PEM; expected a file with -----BEGIN/));
  assert.throws(pair(own.key, own.key), refused(/--tls-cert .*own\.key holds a private key and no certificate/));
  assert.throws(pair(own.cert, own.cert), refused(/--tls-key .*own\.pem holds a certificate and no key/));
  assert.throws(pair(own.cert, empty), refused(/--tls-key .*empty holds no private key/));
  assert.throws(pair(own.cert, authority.encrypted(own.key)), refused(/is encrypted; expected .*openssl pkey -in .* -out/));
  assert.throws(pair(own.cert, other.key), refused(/--tls-key .*other\.key is not the key of the certificate .*own\.pem/));
  assert.throws(
    () => readAuthority(ca(authority.caKey), now),
    refused(/--tls-client-ca .*holds a private key and no certificate/),
  );
});

test("what works today and not tomorrow is warned of", () => {
  const now = Date.now();
  const words = (warnings: readonly string[]) => warnings.join("\n");
  const pair = (nowMs: number) => words(readKeyPair(cert(own.cert), key(own.key), nowMs).warnings);
  assert.match(pair(0), /is not valid before .*check this machine's clock/);
  assert.match(pair(now), /expires at .*; make a new one/);
  assert.match(pair(now + 86_400_000), /expired at .*: the other side refuses it/);
  const both = join(folder, "both.pem");
  writeFileSync(both, Buffer.concat([readFileSync(authority.ca), readFileSync(authority.caKey)]));
  assert.match(words(readAuthority(ca(both), now).warnings), /holds a private key beside the certificate/);
  assert.match(words(readAuthority(ca(own.cert), now).warnings), /is not a certificate authority/);
});

test("files are read again on demand, and a set that can't be used changes nothing", () => {
  const at = { cert: join(folder, "live.pem"), key: join(folder, "live.key") };
  const install = ({ cert, key }: { cert: string; key: string }) => {
    copyFileSync(cert, at.cert);
    copyFileSync(key, at.key);
  };
  install(own);
  const files = namedTlsFiles({ cert: cert(at.cert), key: key(at.key), clientCa: ca(authority.ca) });
  assert.ok(files !== undefined);
  const tls = new MutualTls(files, Date.now());
  const seen: string[] = [];
  const stop = tls.follow(({ cert }) => seen.push(cert.toString()));
  install({ cert: other.cert, key: own.key });
  assert.throws(() => tls.reload(Date.now()), refused(/is not the key of/));
  install(other);
  tls.reload(Date.now());
  stop();
  install(own);
  tls.reload(Date.now());
  assert.deepEqual(
    seen,
    [own.cert, other.cert].map((path) => readFileSync(path, "utf8")),
  );
});

test("some of the flags without the others are refused by name; none means no TLS", () => {
  const none = { cert: { flag: "--tls-cert" }, key: { flag: "--tls-key" }, clientCa: { flag: "--tls-client-ca" } };
  assert.equal(namedTlsFiles(none), undefined);
  assert.throws(
    () => namedTlsFiles({ ...none, cert: cert("a") }),
    (thrown) => thrown instanceof RegulusError && /missing: --tls-key, --tls-client-ca$/.test(thrown.message),
  );
});
