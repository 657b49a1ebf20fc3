/** docs/operations.md, done as written: its openssl commands make certificates with which a coordinator, an agent and a client meet over TLS. */
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { root, scratch, startProgram } from "./cluster/index.js";

const run = promisify(execFile);

test("the documented openssl commands make certificates that everyone accepts", async () => {
  const folder = scratch("operations");
  const at = join(folder.path, "certificates");
  mkdirSync(at);
  const page = readFileSync(join(root, "docs/operations.md"), "utf8");
  const [, commands = ""] = /## Certificates[\s\S]*?```sh\n([\s\S]*?)```/.exec(page) ?? [];
  assert.match(commands, /openssl x509/);
  // The host of this test in place of the page's.
  execFileSync("sh", ["-ec", commands.replaceAll("coordinator.example", "localhost")], {
    cwd: at,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const file = (name: string) => join(at, name);
  const pair = (name: string) => ["--tls-cert", file(`${name}.pem`), "--tls-key", file(`${name}.key`)];
  const coordinator = await startProgram("coordinator", [
    ...["--listen", "0.0.0.0:0", "--metrics-listen", "off", "--data", join(folder.path, "coordinator")],
    ...[...pair("coordinator"), "--tls-client-ca", file("ca.pem")],
  ]);
  const address = `localhost:${coordinator.ready.address?.split(":").at(-1)}`;
  const tls = (name: string) => ["--coordinator", address, "--tls-ca", file("ca.pem"), ...pair(name)];
  const agent = await startProgram("agent", [
    ...tls("agent"),
    ...["--isolation", "inline", "--backend", "cpu", "--slots", "1", "--data", join(folder.path, "agent")],
  ]);
  try {
    const regulus = join(root, "client/bin/regulus.js");
    const { stdout } = await run(process.execPath, [regulus, "agents", "--json", ...tls("client")], { timeout: 60_000 });
    assert.equal(JSON.parse(stdout).agents.length, 1);
    await assert.rejects(run(process.execPath, [regulus, "agents", "--coordinator", address, "--tls-ca", file("ca.pem")]));
  } finally {
    await agent.end();
    await coordinator.end();
    folder.remove();
  }
});
