/** `regulus coordinator`: the coordinator's own program, in the foreground. */
import type { Command } from "commander";
import { runMain } from "../../processes/run-main.js";

export function registerCoordinator(program: Command): void {
  program
    .command("coordinator")
    .description("run a coordinator in the foreground; flags are its own (regulus coordinator --help)")
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .argument("[flags...]")
    .action(async (flags: readonly string[]) => {
      process.exitCode = await runMain("coordinator", flags);
    });
}
