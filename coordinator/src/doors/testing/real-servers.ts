/** Real servers for tests: each on a free port of loopback with a folder of its own, ended with the test. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

/** A folder of a test's own. */
export function scratchFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "regulus-doors-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A port of loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== "object" || address === null) throw new Error("a listening server has an address");
  return address.port;
}

/** Longest wait for what must come: not how long it takes, but when a test gives up, on a machine however busy. */
const patienceMs = 60_000;

/** A process that what is waited for needs. */
export interface Needed {
  /** How it ended and what it said last; undefined while it runs. */
  readonly over: string | undefined;
}

/** Waits until a check holds. Fails as soon as a process that it needs has ended. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
  needs: readonly Needed[] = [],
): Promise<T> {
  const until = performance.now() + patienceMs;
  for (;;) {
    // Looked at first: what it did before it ended counts.
    const gone = needs.flatMap(({ over }) => over ?? [])[0];
    const seen = await look();
    if (seen !== undefined) return seen;
    if (gone !== undefined) throw new Error(`${what} can't come any more: ${gone}`);
    if (performance.now() > until) throw new Error(`not within ${patienceMs} ms: ${what}`);
    await pause(25);
  }
}

/** A server process. */
export class RealServer {
  readonly #program: string;
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;
  #output = "";
  #failure: string | undefined;

  constructor(program: string, args: readonly string[]) {
    this.#program = program;
    this.#args = args;
  }

  /** Starts it and waits until `ready` holds. Fails saying what to install where the program is missing. */
  async start(ready: () => Promise<boolean>): Promise<void> {
    const child = spawn(this.#program, this.#args, { stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    this.#failure = undefined;
    child.once("error", (error) => {
      this.#failure = `can't start ${this.#program}: ${error.message}; install it (Debian: apt-get install ${this.#program})`;
    });
    const keep = (bytes: Buffer): void => {
      this.#output = (this.#output + bytes.toString()).slice(-8000);
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    await eventually(`${this.#program} is ready`, async () => ((await ready()) ? true : undefined), [this]);
  }

  /** How it ended, or why it could not be started; undefined while it runs. */
  get over(): string | undefined {
    const { exitCode, signalCode } = this.#child ?? { exitCode: null, signalCode: null };
    if (this.#failure !== undefined || (exitCode === null && signalCode === null)) return this.#failure;
    return `${this.#program} ended with ${exitCode ?? signalCode}: ${this.#output}`;
  }

  /** Kills it at once, as a crash would. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  }
}

/** Whether an HTTP address answers 200. */
export async function answersOk(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

/** A nats-server with JetStream that stores in a folder. */
export function natsServer(folder: string, ports: { readonly client: number; readonly monitor: number }): RealServer {
  const args = ["-js", "-sd", folder, "-a", "127.0.0.1", "-p", `${ports.client}`, "-m", `${ports.monitor}`];
  return new RealServer("nats-server", args);
}

/** A Prometheus that scrapes one address every second; a busy machine may need most of it to answer. */
export function prometheus(folder: string, ports: { readonly web: number }, target: string, ruleFile: string): RealServer {
  const config = join(folder, "prometheus.yml");
  writeFileSync(
    config,
    JSON.stringify({
      global: { scrape_interval: "1s", scrape_timeout: "1s", evaluation_interval: "200ms" },
      rule_files: [ruleFile],
      scrape_configs: [{ job_name: "regulus-coordinator", static_configs: [{ targets: [target] }] }],
    }),
  );
  return new RealServer("prometheus", [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(folder, "data")}`,
    `--web.listen-address=127.0.0.1:${ports.web}`,
  ]);
}
