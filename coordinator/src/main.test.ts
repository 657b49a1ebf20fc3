/** The coordinator's command as a process: its ready line, its flags, what it refuses and with which exit code, closing, killing, NATS. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { credentials, status } from "@grpc/grpc-js";
import type { Search } from "@regulus/proto";
import { SearchServiceClient } from "@regulus/transport";
import { TestAuthority } from "@regulus/transport/testing";
import Database from "libsql";
import { connect } from "nats";
import { validSpec } from "./doors/testing/open-doors.js";
import { answersOk, eventually, freePort, natsServer, scratchFolder } from "./doors/testing/real-servers.js";
import { writeLog } from "./simulation/write-log.js";

const program = fileURLToPath(new URL("./main.js", import.meta.url));
const scratch = scratchFolder();
const children = new Set<ChildProcess>();
after(() => {
  for (const child of children) child.kill("SIGKILL");
  scratch.remove();
});

/** A process of the command, and what it wrote. */
class Process {
  readonly child: ChildProcess;
  stdout = "";
  stderr = "";
  readonly ended: Promise<number | null>;

  constructor(...args: string[]) {
    this.child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    children.add(this.child);
    this.child.stdout?.on("data", (bytes: Buffer) => {
      this.stdout += bytes.toString();
    });
    this.child.stderr?.on("data", (bytes: Buffer) => {
      this.stderr += bytes.toString();
    });
    this.ended = new Promise((resolve) => this.child.once("close", (code) => resolve(code)));
    void this.ended.then(() => children.delete(this.child));
  }

  get over(): string | undefined {
    const { exitCode, signalCode } = this.child;
    return exitCode === null && signalCode === null ? undefined : `it ended with ${exitCode ?? signalCode}: ${this.stderr}`;
  }

  async ready(): Promise<{ address: string; metrics: string }> {
    await eventually("the ready line", () => (this.stdout.includes("\n") ? true : undefined), [this]);
    const line: unknown = JSON.parse(this.stdout);
    assert.ok(typeof line === "object" && line !== null && "ready" in line && line.ready === "coordinator");
    assert.ok("address" in line && typeof line.address === "string");
    return { address: line.address, metrics: "metrics" in line ? String(line.metrics) : "" };
  }
}

/** The exit code of a process that does not start. Fails as soon as it does. */
async function refusal(refused: Process): Promise<number | null> {
  const starts = new Promise<never>((_resolve, reject) => {
    refused.child.stdout?.on("data", () => {
      reject(new Error(`started instead of refusing: ${refused.child.spawnargs.slice(2).join(" ")} ${refused.stdout}`));
      refused.child.kill("SIGKILL");
    });
  });
  return Promise.race([refused.ended, starts]);
}

const free = ["--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"];
const dataAt = (name: string): string => join(scratch.path, name);

const create = (address: string): Promise<Search> => {
  const client = new SearchServiceClient(address, credentials.createInsecure());
  return new Promise((resolve, reject) => {
    client.createSearch({ spec: validSpec(), idempotencyKey: "once", validateOnly: false }, (error, answer) => {
      client.close();
      if (error === null && answer.search !== undefined) resolve(answer.search);
      else reject(error);
    });
  });
};

test("ready, killed, started again: what was acknowledged is there; asked to end, it ends in order", async () => {
  const first = new Process(...free, "--data", dataAt("kept"));
  const { address, metrics } = await first.ready();
  assert.ok(await answersOk(`http://${metrics}/readyz`));
  const made = await create(address);
  const second = new Process(...free, "--data", dataAt("kept"));
  assert.equal(await refusal(second), 5, "one log, one coordinator");
  assert.match(second.stderr, /in use/);
  first.child.kill("SIGKILL");
  await first.ended;

  const again = new Process(...free, "--data", dataAt("kept"));
  const back = await again.ready();
  assert.equal((await create(back.address)).searchId, made.searchId, "the idempotency key finds the first search");
  again.child.kill("SIGTERM");
  assert.equal(await again.ended, 0);
  assert.equal(again.stdout.split("\n").length, 2, "one line on standard output");
  for (const line of again.stderr.trim().split("\n")) JSON.parse(line);
});

test("what can't be is refused at the start, with a code and words", async () => {
  const file = dataAt("file");
  writeFileSync(file, "not a folder");
  mkdirSync(dataAt("damaged"));
  writeFileSync(join(dataAt("damaged"), "log.sqlite"), "this is no log of Regulus, and long enough to be looked at".repeat(100));
  const authority = new TestAuthority(dataAt("authority"));
  const server = authority.issue("server");
  const tls = (key: string) => ["--tls-cert", server.cert, "--tls-key", key, "--tls-client-ca", authority.ca];
  const own = new Process(...free, "--data", dataAt("own"));
  const { address } = await own.ready();
  const cases: [string[], number, RegExp][] = [
    [["--lisen", "127.0.0.1:0"], 2, /unknown option '--lisen'/],
    [["--listen", "0.0.0.0:0", "--metrics-listen", "off", "--data", dataAt("x")], 2, /needs TLS with client certificates/],
    [["--listen", address, "--metrics-listen", "off", "--data", dataAt("y")], 3, /port \d+ at 127\.0\.0\.1 is in use/],
    [[...free, "--data", join(file, "below")], 4, /--data .*file\/below: can't be used: .*name a folder that can be written/],
    [[...free, "--data", dataAt("damaged")], 5, /not a whole log of Regulus/],
    [
      [...free, "--data", dataAt("z"), ...tls(authority.encrypted(server.key))],
      6,
      /--tls-key .* is encrypted; expected one without/,
    ],
    [[...free, "--data", dataAt("z"), ...tls(authority.issue("other").key)], 6, /--tls-key .* is not the key of the certificate/],
  ];
  await Promise.all(
    cases.map(async ([args, code, words]) => {
      const refused = new Process(...args);
      assert.equal(await refusal(refused), code, `${args.join(" ")}: ${refused.stderr}`);
      assert.match(refused.stderr, words);
      assert.equal(refused.stdout, "");
    }),
  );
  own.child.kill("SIGTERM");
  assert.equal(await own.ended, 0);
});

test("a log from a newer version is refused and left alone", async () => {
  const first = new Process(...free, "--data", dataAt("newer"));
  await first.ready();
  first.child.kill("SIGTERM");
  await first.ended;
  const path = join(dataAt("newer"), "log.sqlite");
  const write = new Database(path);
  write.exec("PRAGMA user_version = 99");
  write.close();
  const refused = new Process(...free, "--data", dataAt("newer"));
  assert.equal(await refusal(refused), 5);
  assert.match(refused.stderr, /99/);
});

test("SIGHUP reads the TLS files again; files that can't be used leave the old ones in use", async () => {
  const authority = new TestAuthority(dataAt("renewing"));
  const server = authority.issue("server");
  const files = ["--tls-cert", server.cert, "--tls-key", server.key, "--tls-client-ca", authority.ca];
  const own = new Process(...free, "--data", dataAt("renewed"), ...files);
  await own.ready();
  const whole = readFileSync(server.key);
  writeFileSync(server.key, "half a fi");
  own.child.kill("SIGHUP");
  await eventually("the refusal", () => own.stderr.includes("the old ones stay in use") || undefined, [own]);
  writeFileSync(server.key, whole);
  own.child.kill("SIGHUP");
  await eventually("the new files", () => own.stderr.includes("TLS files read again") || undefined, [own]);
  own.child.kill("SIGTERM");
  assert.equal(await own.ended, 0);
});

test("a damaged log is refused, with the last good position of each search, and left alone; an emptied folder is not taken for a new one", async () => {
  for (const ending of ["killed", "closed"] as const) {
    const whole = writeLog(dataAt(`damaged-${ending}`), ending);
    const path = join(whole.folder, ending === "killed" ? "log.sqlite-wal" : "log.sqlite");
    const bytes = readFileSync(path);
    const at = ending === "killed" ? bytes.length >> 4 : bytes.lastIndexOf("finding 200");
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    const refused = new Process(...free, "--data", whole.folder);
    assert.equal(await refusal(refused), 5);
    assert.match(refused.stderr, /search \w+ is good up to position \d+ of \d+.*regulus doctor --data/);
  }
  const lost = writeLog(dataAt("lost"), "closed");
  rmSync(join(lost.folder, "log.sqlite"));
  const refused = new Process(...free, "--data", lost.folder);
  assert.equal(await refusal(refused), 5);
  assert.match(refused.stderr, /log\.sqlite is missing, but there is .*log\.heads/);
  // All but the artifacts: they belong to searches that were.
  const running = new Process(...free, "--data", dataAt("only-artifacts"));
  await running.ready();
  running.child.kill("SIGKILL");
  await running.ended;
  for (const name of ["log.sqlite", "log.sqlite-wal", "log.heads", "has-log", "log.pid"]) {
    rmSync(join(dataAt("only-artifacts"), name), { force: true });
  }
  const alone = new Process(...free, "--data", dataAt("only-artifacts"));
  assert.equal(await refusal(alone), 5);
  assert.match(alone.stderr, /log\.sqlite is missing, but there is .*artifacts/);
});

test("a data folder that goes while it runs ends its readiness, and creates are refused", async () => {
  const running = new Process(...free, "--data", dataAt("gone"));
  const { address, metrics } = await running.ready();
  await create(address);
  renameSync(dataAt("gone"), dataAt("gone-elsewhere"));
  const client = new SearchServiceClient(address, credentials.createInsecure());
  const code = await new Promise((resolve) => {
    client.createSearch({ spec: validSpec(), idempotencyKey: "twice", validateOnly: false }, (error) => resolve(error?.code));
  });
  client.close();
  assert.equal(code, status.UNAVAILABLE);
  assert.equal(await answersOk(`http://${metrics}/readyz`), false);
  running.child.kill("SIGKILL");
  await running.ended;
});

test("help is answered on standard output", async () => {
  const help = new Process("--help");
  assert.equal(await help.ended, 0);
  for (const flag of ["--listen", "--nats", "--tls-client-ca", "--lease-timeout-ms", "Exit codes"])
    assert.ok(help.stdout.includes(flag));
});

test("with --nats facts become events, also those from before NATS was there", async () => {
  const [client, monitor] = [await freePort(), await freePort()];
  const url = `nats://127.0.0.1:${client}`;
  const coordinator = new Process(...free, "--data", dataAt("events"), "--nats", url);
  const { address, metrics } = await coordinator.ready();
  const { searchId } = await create(address);
  const server = natsServer(join(scratch.path, "nats"), { client, monitor });
  try {
    await server.start(() => answersOk(`http://127.0.0.1:${monitor}/healthz`));
    const subjects = await eventually("events of the search", async () => {
      const connection = await connect({ servers: url });
      try {
        const info = await (await connection.jetstreamManager()).streams.info("REGULUS", {
          subjects_filter: `regulus.${searchId}.>`,
        });
        const seen = Object.keys(info.state.subjects ?? {});
        return seen.length >= 2 ? seen : undefined;
      } catch {
        return undefined;
      } finally {
        await connection.close();
      }
    }, [server, coordinator]);
    assert.ok(
      subjects.includes(`regulus.${searchId}.search-created`) && subjects.includes(`regulus.${searchId}.trial-proposed`),
      `${subjects}`,
    );
    const page = await (await fetch(`http://${metrics}/metrics`)).text();
    assert.match(page, /regulus_feed_connected 1\n/);
    coordinator.child.kill("SIGTERM");
    assert.equal(await coordinator.ended, 0);
  } finally {
    await server.kill();
  }
});
