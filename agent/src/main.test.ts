import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { EndReason } from "@regulus/proto";
import { TestAuthority } from "@regulus/transport/testing";
import { testLease, testSpec } from "./testing/test-agent.js";
import { TestCoordinator } from "./testing/test-coordinator.js";

const main = fileURLToPath(new URL("./main.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "regulus-main-"));
const closing: (() => void)[] = [];
after(() => {
  for (const close of closing) close();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

interface Started {
  readonly child: ChildProcess;
  readonly ready: { readonly agentId: string; readonly metrics?: string };
}

let started = 0;
async function startMain(address: string, ...flags: string[]): Promise<Started> {
  started += 1;
  const args = [
    "--coordinator",
    address,
    "--slots",
    "2",
    "--backend",
    "cpu",
    "--data",
    join(folder, `${started}`),
    "--log-level",
    "error",
  ];
  const child = spawn(process.execPath, [main, ...args, ...flags], { stdio: ["ignore", "pipe", "inherit"] });
  closing.push(() => child.kill("SIGKILL"));
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.once("data", (chunk: Buffer) => resolve(chunk.toString()));
    child.once("exit", (code) => reject(new Error(`the agent ended with ${code}`)));
  });
  return { child, ready: JSON.parse(line) };
}

async function coordinatorWith(options: Parameters<typeof TestCoordinator.start>[0] = {}): Promise<TestCoordinator> {
  const coordinator = await TestCoordinator.start(options);
  closing.push(() => coordinator.close());
  return coordinator;
}

function program(trial: number, text: string) {
  return testLease(trial, { spec: testSpec({ command: { argv: ["sh", "-c", text] } }), work: { procedure: "command" } });
}

function stepOf(coordinator: TestCoordinator, trial: number): number {
  return coordinator.measurements(trial)[0]?.step ?? 0;
}

test("an agent killed with SIGKILL leaves no trial process and no program behind", async () => {
  const coordinator = await coordinatorWith();
  const { child, ready } = await startMain(coordinator.address, "--allow-commands", "--id", "orphan-test");
  assert.equal(ready.agentId, "orphan-test");
  const facts = coordinator.registrations[0]?.agent;
  assert.deepEqual([facts?.slots, facts?.backends, facts?.allowsCommands, facts?.allowsModules], [2, ["cpu"], true, false]);
  assert.ok((facts?.memoryBytes ?? 0) > 2 ** 28 && (facts?.backendReason ?? "") !== "");
  // The programs print their own ids and their children's as steps; SIGTERM and a closed terminal they ignore.
  const busy = (wait: string) => `trap "" TERM HUP; sleep 300 & echo "{\\"step\\": $!, \\"validLoss\\": 1}"; ${wait}`;
  coordinator.lease(program(0, busy("wait")), program(1, busy("while :; do :; done")));
  await coordinator.until("both run", () => stepOf(coordinator, 0) > 0 && stepOf(coordinator, 1) > 0);
  const below = descendants(child.pid ?? 0);
  // Two trial processes with a shell and a sleep each, and the spare.
  assert.ok(below.length >= 7, `${below.length} processes below the agent`);
  child.kill("SIGKILL");
  for (const pid of below) await gone(pid);
});

test("SIGTERM drains: the program is stopped, its trial given back, the exit is clean", async () => {
  const coordinator = await coordinatorWith();
  const { child } = await startMain(coordinator.address, "--allow-commands");
  coordinator.lease(program(0, 'trap "exit 0" TERM; echo "{\\"step\\": 5, \\"validLoss\\": 1}"; while :; do sleep 0.05; done'));
  await coordinator.until("it runs", () => stepOf(coordinator, 0) > 0);
  child.kill("SIGTERM");
  const code = await new Promise((resolve) => child.once("exit", resolve));
  assert.equal(code, 0);
  const end = await coordinator.finished(0);
  assert.equal(end.reason, EndReason.END_REASON_PREEMPTED);
  assert.match(coordinator.drains[0] ?? "", /SIGTERM/);
});

test("a trial process killed with SIGKILL is reported as lost, and the agent continues", async () => {
  const coordinator = await coordinatorWith();
  const { child, ready } = await startMain(coordinator.address, "--allow-commands", "--metrics-listen", "127.0.0.1:0");
  coordinator.lease(program(0, 'echo "{\\"step\\": 5, \\"validLoss\\": 1}"; sleep 300'));
  await coordinator.until("it runs", () => stepOf(coordinator, 0) > 0);
  // The one child of the agent that has children of its own is the program's trial process.
  const keeper = childrenOf(child.pid ?? 0).find((pid) => childrenOf(pid).length > 0) ?? 0;
  const below = descendants(keeper);
  process.kill(keeper, "SIGKILL");
  const end = await coordinator.finished(0);
  assert.equal(end.reason, EndReason.END_REASON_LOST);
  assert.match(end.message, /the trial process ended with signal SIGKILL/);
  for (const pid of below) await gone(pid);
  coordinator.lease(program(1, 'echo "{\\"step\\": 5, \\"validLoss\\": 1}"'));
  assert.equal((await coordinator.finished(1)).reason, EndReason.END_REASON_DONE);

  // Its reports are acknowledged a moment after they came.
  const look = () => fetchText(`http://${ready.metrics}/metrics`);
  let page = await look();
  while (!page.includes("\nregulus_agent_report_backlog 0\n")) page = await look();
  for (const line of [
    'regulus_agent_attempts_total{reason="lost"} 1',
    'regulus_agent_attempts_total{reason="done"} 1',
    "regulus_agent_steps_total 10",
    "regulus_agent_slots 2",
    "regulus_agent_connected 1",
    "regulus_agent_report_backlog 0",
    "regulus_agent_reconnects_total 0",
  ]) {
    assert.ok(page.includes(`\n${line}\n`), `${line} in\n${page.slice(0, 3000)}`);
  }
});

test("doctor lists backends, permissions, memory and the coordinator as one JSON array", async () => {
  const coordinator = await coordinatorWith();
  const args = ["--coordinator", coordinator.address, "--data", join(folder, "doctor"), "--allow-commands", "doctor", "--json"];
  const { code, stdout } = await runMain(args);
  assert.equal(code, 0);
  const rows: { name: string; ok: boolean; detail: string }[] = JSON.parse(stdout);
  const ok = Object.fromEntries(rows.map((row) => [row.name, row.ok]));
  assert.equal(ok["backend wasm"], true);
  assert.equal(ok["backend cpu"], true);
  assert.equal(ok.commands, true);
  assert.equal(ok.modules, false);
  assert.equal(ok.coordinator, true);
  assert.equal(ok["data folder"], true);
  for (const row of rows) assert.ok(row.detail.length > 0, row.name);
});

test("wrong flags end the agent with code 2 and every problem on standard error", async () => {
  const { code, stderr } = await runMain(["--slots", "0", "--backend", "abacus"]);
  assert.equal(code, 2);
  assert.match(stderr, /--slots: saw "0"/);
  assert.match(stderr, /--backend: saw "abacus"/);
  writeFileSync(join(folder, "file"), "");
  const locked = await runMain(["--tls-cert", join(folder, "file")]);
  assert.equal(locked.code, 2);
  assert.match(locked.stderr, /--tls-cert and --tls-key go together/);
});

async function runMain(args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [main, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, stdout, stderr };
}

function childrenOf(pid: number): number[] {
  const path = `/proc/${pid}/task/${pid}/children`;
  return existsSync(path) ? readFileSync(path, "utf8").trim().split(" ").filter(Boolean).map(Number) : [];
}

function descendants(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendants(child)]);
}

/** Waits until a process is no more, at most a minute: the watch looks twice a second, and machines may be busy. */
async function gone(pid: number): Promise<void> {
  for (let tries = 0; tries < 1200; tries += 1) {
    try {
      // A process that nobody waited for is as good as gone.
      if (/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"))) return;
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(`process ${pid} lives on: ${readFileSync(`/proc/${pid}/cmdline`, "utf8")}`);
}

async function fetchText(url: string): Promise<string> {
  return await new Promise((resolve, reject) => {
    get(url, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on("end", () => resolve(text));
    }).on("error", reject);
  });
}

test("a door that others can reach and a TLS file that can't be used are refused at the start, each with its code", async () => {
  const authority = new TestAuthority(join(folder, "authority"));
  const own = authority.issue("own");
  const cases: [string[], number, RegExp][] = [
    [
      ["--metrics-listen", "0.0.0.0:0"],
      2,
      /--metrics-listen 0\.0\.0\.0:0: other machines can reach .*--tls-ca, --tls-cert and --tls-key/,
    ],
    [["--tls-ca", authority.caKey], 6, /--tls-ca .* holds a private key and no certificate/],
    [["--tls-ca", authority.ca, "--tls-cert", own.cert, "--tls-key", authority.encrypted(own.key)], 6, /is encrypted; expected/],
  ];
  await Promise.all(
    cases.map(async ([flags, code, words], index) => {
      const args = ["--backend", "cpu", "--isolation", "inline", "--data", join(folder, `refused-${index}`), ...flags];
      const child = spawn(process.execPath, [main, ...args], { stdio: ["ignore", "pipe", "pipe"] });
      closing.push(() => child.kill("SIGKILL"));
      let errors = "";
      child.stderr.on("data", (chunk: Buffer) => {
        errors += chunk.toString();
      });
      assert.equal(await new Promise((resolve) => child.once("close", resolve)), code, errors);
      assert.match(errors, words);
    }),
  );
});
