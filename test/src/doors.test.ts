/**
 * Every door of every process keeps one rule: loopback, or TLS with client certificates. The doors are enumerated from the sources, so that a
 * new one is noticed here, and each flag that opens one is tried on an address that other machines can reach.
 */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const scratch = mkdtempSync(join(tmpdir(), "regulus-all-doors-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

/** Files that open a listener, and why each may. */
const listeners: Readonly<Record<string, string>> = {
  "coordinator/src/doors/server.ts": "gRPC: --listen",
  "transport/src/doors/operator-page.ts": "the page for operators: --metrics-listen of coordinator and agent",
  "client/src/cli/examine.ts": "tries whether a port of loopback is free, and closes it",
};

test("the doors are these and no others", () => {
  const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "*.ts"], {
    cwd: root,
    encoding: "utf8",
  })
    .split("\n")
    .filter((file) => /^(proto|transport|algorithms|coordinator|agent|client)\/src\//.test(file) && existsSync(join(root, file)))
    .filter((file) => !/\.test\.ts$|\/testing\/|\/gen\//.test(file));
  const opens = /\.bindAsync\(|\b\w*[sS]erver\.listen\(|\bcreate(?:Secure|Tls)?Server\(/;
  const found = files.filter((file) => opens.test(readFileSync(join(root, file), "utf8")));
  assert.deepEqual(found.sort(), Object.keys(listeners).sort());
});

test("each flag that opens a door refuses an address that other machines can reach", () => {
  const doors: readonly (readonly [program: string, flag: string, others: readonly string[]])[] = [
    ["coordinator", "--listen", ["--metrics-listen", "off"]],
    ["coordinator", "--metrics-listen", ["--listen", "127.0.0.1:0"]],
    ["agent", "--metrics-listen", ["--isolation", "inline", "--backend", "cpu"]],
  ];
  for (const [program, flag, others] of doors) {
    for (const address of ["0.0.0.0:0", "[::]:0", "192.168.7.7:0"]) {
      const args = [join(root, program, "dist/main.js"), flag, address, ...others, "--data", join(scratch, `${program}${flag}`)];
      const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 60_000 });
      assert.equal(status, 2, `${program} ${flag} ${address}: ${stderr}`);
      assert.match(stderr, /other machines can reach this address, so it needs TLS with client certificates/);
    }
  }
});
