/**
 * `regulus demo`: a real search on this machine, from one command, with nothing else running.
 */
import { type Command, InvalidArgumentError } from "commander";

/** Adds the command to a program. */
export function registerDemo(program: Command): void {
  program
    .command("demo")
    .description("tune real digits on this machine: a self-tuning network against random search, about two minutes")
    .option("--seed <number>", "seed of every random choice", seed, 1)
    .option("--json <file>", "write the numbers to this file")
    .option("--report <file>", "write the HTML report to this file", "regulus-demo.html")
    .addHelpText("after", "\nExamples:\n  regulus demo\n  regulus demo --seed 7 --json out.json\n");
}

function seed(value: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 0) throw new InvalidArgumentError("expected a whole number from 0 to 2^53 - 1");
  return number;
}
