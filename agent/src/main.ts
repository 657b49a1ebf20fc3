/** The agent's entry: flags in, an agent out. Logs are lines on standard error; standard output gets one JSON line when it is registered. */
import { RegulusError } from "@regulus/proto";
import { Command } from "commander";
import { pino } from "pino";
import { startAgent } from "./agent.js";
import { doctor, printDoctor } from "./doctor.js";
import { channelCredentials, type TlsFiles } from "./link/channel.js";
import { backendPreferences, readFlags } from "./options.js";
import { version } from "./version.js";

/** Exit codes of a start that fails: wrong flags or a machine that can't do what they ask; a TLS file that can't be used. */
const exitCodes = { usage: 2, tls: 6 } as const;

/** A TLS file that can't be used. */
class TlsFailure extends Error {}

const collect = (value: string, earlier: string[]): string[] => [...earlier, value];

// Words of Node about its own future (DEP0123 for an IP address under TLS) are for us, not for the log.
process.noDeprecation = true;

const program = new Command("regulus-agent")
  .description("Works on trials of a Regulus coordinator.")
  .version(version)
  .option("--coordinator <host:port>", "where the coordinator is (127.0.0.1:7711)")
  .option("--id <id>", "the agent's id; by default one is made and kept in the data folder")
  .option("--slots <n>", "trials side by side; by default one per core")
  .option("--backend <name>", `compute backend: ${backendPreferences.join(", ")} (auto)`)
  .option("--label <name=value>", "label for placement; repeatable", collect, [])
  .option("--allow-commands", "let searches run programs of their own on this machine")
  .option("--allow-modules <dir>", "let searches load workload modules below this folder")
  .option("--pass-env <name>", "pass this variable of the agent's environment to programs and modules; repeatable", collect, [])
  .option("--memory-per-trial <bytes>", "memory of one trial process; by default 90 % of the machine's shared by the slots")
  .option("--isolation <kind>", "process, or inline for benches and tests (process)")
  .option("--metrics-listen <host:port>", "serve Prometheus metrics; off by default")
  .option("--data <dir>", "folder of the agent's own (.regulus/agent)")
  .option("--tls-ca <file>", "certificate authority of the coordinator")
  .option("--tls-cert <file>", "certificate of the agent")
  .option("--tls-key <file>", "key of the agent's certificate")
  .option("--log-level <level>", "trace, debug, info, warn, error or silent", "info");

program.action(async () => {
  const flags = program.opts();
  await run(flags);
});

program
  .command("doctor")
  .description("Says which backends, permissions and memory this machine has, and whether the coordinator answers.")
  .option("--json", "print one JSON array")
  .action(async (flags: { json?: boolean }) => {
    const findings = await doctor(readFlags(program.opts()));
    process.stdout.write(flags.json ? `${JSON.stringify(findings)}\n` : printDoctor(findings));
  });

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`regulus-agent: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof TlsFailure ? exitCodes.tls : exitCodes.usage;
});

/** Looks at the TLS files before anything starts. */
function checkTls(tls: TlsFiles): void {
  try {
    channelCredentials(tls);
  } catch (thrown) {
    const error = RegulusError.from(thrown);
    if (error.code !== "failed-precondition") throw error;
    throw new TlsFailure(error.message, { cause: error });
  }
}

async function run(flags: Record<string, unknown>): Promise<void> {
  const options = readFlags(flags);
  checkTls(options.tls);
  const log = pino({ level: String(flags.logLevel), base: { part: "agent" } }, pino.destination({ dest: 2, sync: true }));
  const agent = await startAgent(options, log);
  let signals = 0;
  const onSignal = (signal: NodeJS.Signals) => {
    signals += 1;
    if (signals > 1) process.exit(130);
    log.info({ signal }, "draining: saving trials and giving them back; a second signal ends at once");
    void agent.drain(`the agent was asked to end by ${signal}`).then(() => process.exit(0));
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  if (options.tls.ca !== undefined) process.on("SIGHUP", () => agent.reloadTls());
  await agent.registered;
  const metrics = agent.metricsAddress === undefined ? {} : { metrics: agent.metricsAddress };
  process.stdout.write(`${JSON.stringify({ ready: "agent", agentId: agent.agentId, ...metrics })}\n`);
}
