/** `regulus up`: a coordinator and agents on this machine, kept running until Ctrl-C. Data and logs lie in one folder. */

import { availableParallelism } from "node:os";
import { join } from "node:path";
import { defaults } from "@regulus/proto";
import { type Command, Option } from "commander";
import { counted } from "../../display/numbers.js";
import { mains, plainLogLine, startChild } from "../../processes/child.js";
import { LogFile } from "../../processes/log-file.js";
import { waitForOrphan } from "../../processes/orphans.js";
import { type Supervised, supervise } from "../../processes/supervisor.js";
import { withJson } from "../connection.js";
import { onInterrupt } from "../interrupt.js";
import { note, writeJson, writeLine } from "../output.js";
import { wholeNumber } from "../read-values.js";
import { agentFlags, coordinatorFlags, type UpOptions } from "../up-flags.js";

/** Time for an agent to save its trials, and for the coordinator to write what it holds. */
const stopGraceMs = 20_000;

export function registerUp(program: Command): void {
  withJson(program.command("up").description("run a coordinator and agents on this machine, until Ctrl-C"))
    .option("--listen <host:port>", "address of the coordinator; port 0 for a free one", defaults.address)
    .option("--metrics-listen <host:port>", "address of the coordinator's Prometheus metrics, or off", "127.0.0.1:7712")
    .option("--data <dir>", "folder for the log, artifacts, scratch and logs", ".regulus")
    .option("--agents <count>", "agents to run", wholeNumber, 1)
    .option("--slots <count>", "trials that each agent runs at once", wholeNumber, availableParallelism())
    .addOption(
      new Option("--backend <name>", "compute backend of the agents")
        .choices(["auto", "tensorflow", "webgpu", "wasm", "cpu"])
        .default("auto"),
    )
    .option("--allow-commands", "let searches run programs of their own on this machine")
    .option("--allow-modules <dir>", "let searches load workload modules below this folder")
    .option(
      "--pass-env <name>",
      "pass this variable of this shell's environment to programs and modules; repeatable",
      (name: string, earlier: readonly string[]) => [...earlier, name],
      [],
    )
    .option("--nats <url>", "publish every fact on NATS")
    .option("--verbose", "show the log lines of coordinator and agents")
    .addHelpText(
      "after",
      "\nExamples:\n  regulus up\n  regulus up --slots 4 --allow-commands\n  regulus up --listen 127.0.0.1:0 --json\n",
    )
    .action(up);
}

async function up(options: UpOptions): Promise<void> {
  const interrupt = onInterrupt();
  const started: Supervised[] = [];
  try {
    const coordinator = await keepRunning(options, {
      program: "coordinator",
      name: "coordinator",
      flags: coordinatorFlags,
      signal: interrupt.signal,
    });
    started.push(coordinator);
    const address = String(coordinator.ready.address);
    for (let index = 1; index <= options.agents; index += 1) {
      const name = `agent-${index}`;
      const flags = () => agentFlags(options, { name, address });
      await waitForOrphan({ folder: join(options.data, name), onWait: note, signal: interrupt.signal });
      started.push(await keepRunning(options, { program: "agent", name, flags, signal: interrupt.signal }));
    }
    writeReady(options, address, coordinator.ready.metrics);
    const stopped = new Promise<void>((resolve) => interrupt.signal.addEventListener("abort", () => resolve(), { once: true }));
    if (!interrupt.signal.aborted) await Promise.race([stopped, ...started.map(({ gaveUp }) => gaveUp)]);
    note("stopping: agents save their trials; a second Ctrl-C ends at once");
  } finally {
    const [coordinator, ...agents] = started;
    await Promise.all(agents.map((agent) => agent.stop(stopGraceMs)));
    await coordinator?.stop(stopGraceMs);
    interrupt.release();
  }
}

interface Kept {
  readonly program: keyof typeof mains;
  readonly name: string;
  /** Flags, given what the first start answered. */
  readonly flags: (options: UpOptions, ready: Supervised["ready"] | undefined) => string[];
  readonly signal: AbortSignal;
}

async function keepRunning(options: UpOptions, { program, name, flags, signal }: Kept): Promise<Supervised> {
  const log = new LogFile(join(options.data, "logs", `${name}.log`));
  let ready: Supervised["ready"] | undefined;
  const onLog = (line: string) => {
    log.append(line);
    if (options.verbose) note(`${name}: ${plainLogLine(line)}`);
  };
  const start = async () => {
    const child = await startChild({ main: mains[program], name, flags: flags(options, ready), onLog }, signal);
    ready ??= child.ready;
    return child;
  };
  return supervise({ name, start, onEvent: note });
}

function writeReady(options: UpOptions, address: string, metrics: unknown): void {
  if (options.json) {
    writeJson({ ready: "up", address, metrics, agents: options.agents, slots: options.slots, data: options.data });
    return;
  }
  const elsewhere = address === defaults.address ? "" : ` --coordinator ${address}`;
  writeLine(`coordinator  ${address}`);
  if (typeof metrics === "string") writeLine(`metrics      http://${metrics}/metrics`);
  writeLine(`agents       ${options.agents} with ${counted(options.slots, "slot")}${options.agents === 1 ? "" : " each"}`);
  writeLine(`data         ${options.data} (logs in ${join(options.data, "logs")})`);
  writeLine(
    `\nIn another terminal: regulus submit FILE --watch${elsewhere}\nCtrl-C stops everything; searches continue at the next start.`,
  );
}
