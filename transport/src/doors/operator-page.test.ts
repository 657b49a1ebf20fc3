/** The page for operators as browsers, strangers and Prometheus meet it. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:http";
import { request as requestTls } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { RegulusError } from "@regulus/proto";
import { TestAuthority } from "../testing/test-authority.js";
import { MutualTls } from "./mutual-tls.js";
import { startOperatorPage } from "./operator-page.js";

const folder = mkdtempSync(join(tmpdir(), "regulus-page-"));
after(() => rmSync(folder, { recursive: true }));
const authority = new TestAuthority(folder);

const options = {
  flag: "--metrics-listen",
  listen: { host: "127.0.0.1", port: 0 },
  tlsFlags: "--tls-cert and the others",
  paths: { "/metrics": () => ({ status: 200, type: "text/plain", body: "numbers\n" }) },
  onFailure: () => undefined,
};

/** Status of a GET with a Host header of one's own. */
function statusOf(address: string, host: string | undefined): Promise<number> {
  const [hostname, port] = address.split(":");
  return new Promise((resolve, reject) => {
    const sent = request(
      { hostname, port, path: "/metrics", setHost: false, headers: host === undefined ? {} : { host } },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      },
    );
    sent.once("error", reject);
    sent.end();
  });
}

test("on loopback only requests that name this machine are answered", async () => {
  const page = await startOperatorPage(options);
  for (const host of ["127.0.0.1:9", "localhost", "LOCALHOST:80", "[::1]:7712", "127.3.4.5"]) {
    assert.equal(await statusOf(page.address, host), 200, host);
  }
  for (const host of [
    "evil.example",
    "evil.example:7712",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "10.0.0.1",
    "",
    "[::2]",
  ]) {
    assert.ok([400, 421].includes(await statusOf(page.address, host)), host);
  }
  await page.close();
});

test("any other address is refused without TLS, and asks for a client certificate with it", async () => {
  const everywhere = { ...options, listen: { host: "0.0.0.0", port: 0 } };
  await assert.rejects(
    startOperatorPage(everywhere),
    (thrown) => thrown instanceof RegulusError && /--metrics-listen 0\.0\.0\.0:0: other machines can reach/.test(thrown.message),
  );
  const server = authority.issue("server");
  const files = {
    cert: { flag: "--tls-cert", path: server.cert },
    key: { flag: "--tls-key", path: server.key },
    clientCa: { flag: "--tls-ca", path: authority.ca },
  };
  const page = await startOperatorPage({ ...everywhere, tls: new MutualTls(files, Date.now()) });
  const port = Number(page.address.split(":")[1]);
  const prometheus = authority.issue("prometheus");
  const get = (own: { cert?: Buffer; key?: Buffer }): Promise<number> =>
    new Promise((resolve, reject) => {
      const ca = readFileSync(authority.ca);
      const sent = requestTls({ hostname: "localhost", port, path: "/metrics", ca, ...own }, (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      });
      sent.once("error", reject);
      sent.end();
    });
  assert.equal(await get({ cert: readFileSync(prometheus.cert), key: readFileSync(prometheus.key) }), 200);
  await assert.rejects(get({}), "no client certificate");
  assert.notEqual(await statusOf(`127.0.0.1:${port}`, "localhost").catch(() => "refused"), 200, "no TLS");
  await page.close();
});
