/** The flags of the coordinator's command, read and checked. */

import { defaults, limits, ProblemList, RegulusError } from "@regulus/proto";
import { type ListenAddress, type MutualTlsFiles, namedTlsFiles, parseListenAddress } from "@regulus/transport";
import { Command, CommanderError } from "commander";
import { version } from "./version.js";

const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"];
/** Where metrics are served. */
const metricsAddress = "127.0.0.1:7712";

/** What the coordinator was told to do. */
export interface MainOptions {
  readonly listen: ListenAddress;
  /** Absent for no metrics page. */
  readonly metricsListen?: ListenAddress;
  /** Folder of the log and the artifacts. */
  readonly data: string;
  /** Absent for no event feed. */
  readonly nats?: string;
  /** Files of mutual TLS; absent for none. */
  readonly tls?: MutualTlsFiles;
  readonly leaseTimeoutMs: number;
  readonly heartbeatEveryMs: number;
  readonly logLevel: string;
}

/** Reads the flags. Undefined where they only asked for help or the version. Fails with "invalid-argument". */
export function readMainOptions(argv: readonly string[]): MainOptions | undefined {
  const command = program();
  try {
    command.parse([...argv], { from: "user" });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    if (thrown.exitCode === 0) return undefined;
    throw new RegulusError("invalid-argument", thrown.message.replace(/^error: /, ""));
  }
  const flags: Record<string, string | undefined> = command.opts();
  const problems = new ProblemList();
  const milliseconds = (flag: string, text: string | undefined, min: number): number => {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < min || value > limits.timerMsMax) {
      problems.add(flag, text, `whole milliseconds from ${min} to ${limits.timerMsMax}`);
    }
    return value;
  };
  const heartbeatEveryMs = milliseconds("--heartbeat-every-ms", flags.heartbeatEveryMs, 10);
  const leaseTimeoutMs = milliseconds("--lease-timeout-ms", flags.leaseTimeoutMs, 50);
  if (leaseTimeoutMs < 2 * heartbeatEveryMs) {
    problems.add("--lease-timeout-ms", leaseTimeoutMs, `at least twice --heartbeat-every-ms, ${2 * heartbeatEveryMs}`);
  }
  const logLevel = flags.logLevel ?? "info";
  if (!logLevels.includes(logLevel)) problems.add("--log-level", logLevel, `one of ${logLevels.join(", ")}`);
  if (flags.nats !== undefined && !/^(nats|tls|ws|wss):\/\/\S+$/.test(flags.nats)) {
    problems.add("--nats", flags.nats, "an address such as nats://127.0.0.1:4222; several with commas");
  }
  if (problems.all().length > 0) throw RegulusError.invalid(problems.all());
  const named = (flag: string, path: string | undefined) => ({ flag, ...(path === undefined ? {} : { path }) });
  const tls = namedTlsFiles({
    cert: named("--tls-cert", flags.tlsCert),
    key: named("--tls-key", flags.tlsKey),
    clientCa: named("--tls-client-ca", flags.tlsClientCa),
  });
  return {
    listen: parseListenAddress("--listen", flags.listen ?? defaults.address),
    ...(flags.metricsListen === "off"
      ? {}
      : { metricsListen: parseListenAddress("--metrics-listen", flags.metricsListen ?? metricsAddress) }),
    data: flags.data ?? ".regulus/coordinator",
    ...(flags.nats === undefined ? {} : { nats: flags.nats }),
    ...(tls === undefined ? {} : { tls }),
    leaseTimeoutMs,
    heartbeatEveryMs,
    logLevel,
  };
}

function program(): Command {
  return new Command("regulus-coordinator")
    .description("Keeps the log of every search, decides what runs where, and answers clients and agents.")
    .version(version)
    .option("--listen <host:port>", "address for clients and agents; port 0 takes a free one", defaults.address)
    .option("--metrics-listen <host:port|off>", "address of /metrics, /healthz and /readyz", metricsAddress)
    .option("--data <dir>", "folder of the log and the artifacts", ".regulus/coordinator")
    .option("--nats <url>", "publish every fact on NATS JetStream")
    .option("--tls-cert <file>", "certificate, PEM; with --tls-key and --tls-client-ca")
    .option("--tls-key <file>", "its key, PEM")
    .option("--tls-client-ca <file>", "authority that signs the certificates of clients and agents, PEM")
    .option("--lease-timeout-ms <ms>", "silence after which an agent loses its work", `${defaults.leaseTimeoutMs}`)
    .option("--heartbeat-every-ms <ms>", "how often agents tell that they live", `${defaults.heartbeatEveryMs}`)
    .option("--log-level <level>", logLevels.join(", "), "info")
    .addHelpText(
      "after",
      `
Standard output gets one JSON line once it is ready; the log goes to standard error.
Without TLS it listens on this machine's own addresses only.

Exit codes: 0 ended as asked, 1 a bug, 2 wrong flags or a refused address, 3 can't listen,
4 the data folder can't be used, 5 the log is in use, damaged or from a newer version,
6 a TLS file can't be used. SIGHUP reads the TLS files again.

Examples:
  node coordinator/dist/main.js
  node coordinator/dist/main.js --listen 127.0.0.1:0 --metrics-listen off --data /tmp/regulus
  node coordinator/dist/main.js --listen 0.0.0.0:7711 --tls-cert c.pem --tls-key c.key --tls-client-ca ca.pem`,
    )
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
}
