/** `regulus demo`: a real search on this machine, from one command, with nothing else running. */
import { type Command, InvalidArgumentError } from "commander";
import { exitCodes } from "../cli/exit-codes.js";
import { onInterrupt } from "../cli/interrupt.js";
import { note, writeLine } from "../cli/output.js";

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
  const interrupt = onInterrupt();
  interrupt.signal.addEventListener("abort", () => note("\nEnding the searches, the agents and the coordinator ..."));
  try {
    const outcome = await runDemo({ ...flags, signal: interrupt.signal });
    writeLine(`\n${outcomeWords(outcome)}`);
    if (outcome.failures.length > 0) process.exitCode = exitCodes.searchFailed;
  } catch (thrown) {
    if (interrupt.signal.aborted && thrown instanceof Error) note(thrown.message);
    throw thrown;
  } finally {
    interrupt.release();
  }
}

function wholeNumber(value: string): number {
  const number = Number(value);
  if (value === "" || !Number.isSafeInteger(number) || number < 0) {
    throw new InvalidArgumentError("Expected a whole number from 0 to 2^53 - 1.");
  }
  return number;
}
