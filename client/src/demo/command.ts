/** `regulus demo`: a real search on this machine, from one command, with nothing else running. */
import { RegulusError } from "@regulus/proto";
import { type Command, InvalidArgumentError } from "commander";

const examples = `
Examples:
  regulus demo
  regulus demo --seed 7 --json numbers.json --report demo.html`;

interface DemoFlags {
  readonly seed: number;
  readonly json?: string;
  readonly report: string;
}

/** Adds the command to a program. */
export function registerDemo(program: Command): void {
  program
    .command("demo")
    .description("tune real digits on this machine: a self-tuning network against random search, about two minutes")
    .option("--seed <number>", "seed of every random choice", wholeNumber, 1)
    .option("--json <file>", "write the numbers to this file")
    .option("--report <file>", "write the HTML report to this file", "regulus-demo.html")
    .addHelpText("after", examples)
    .action(run);
}

async function run(flags: DemoFlags): Promise<void> {
  // Loaded here, so that other commands start without it.
  const { outcomeWords, runDemo } = await import("./demo.js");
  const controller = new AbortController();
  const onSignal = (signal: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(130); // A second time: at once; children end with this process.
    process.stderr.write(`\n${signal}: ending the searches, the agents and the coordinator ...\n`);
    controller.abort();
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  try {
    const outcome = await runDemo({ ...flags, signal: controller.signal });
    process.stdout.write(`\n${outcomeWords(outcome)}\n`);
    if (outcome.failures.length > 0) process.exitCode = 1;
  } catch (thrown) {
    const error = RegulusError.from(thrown);
    if (error.code !== "cancelled") throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 130;
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}

function wholeNumber(value: string): number {
  const number = Number(value);
  if (value === "" || !Number.isSafeInteger(number) || number < 0)
    throw new InvalidArgumentError("Expected a whole number from 0 to 2^53 - 1.");
  return number;
}
