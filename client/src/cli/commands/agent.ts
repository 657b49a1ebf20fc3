/** `regulus agent`: the agent's own program, in the foreground. */
import type { Command } from "commander";
import { runMain } from "../../processes/run-main.js";

export function registerAgent(program: Command): void {
  program
    .command("agent")
    .description("run an agent in the foreground; flags are its own (regulus agent --help)")
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .argument("[flags...]")
    .action(async (flags: readonly string[]) => {
      process.exitCode = await runMain("agent", flags);
    });
}
