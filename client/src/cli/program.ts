/** Every command of `regulus`, in the order of its help. One file a command lies in `commands/`. */
import { createRequire } from "node:module";
import { Command } from "commander";
import { registerDemo } from "../demo/command.js";
import { registerReport } from "../report/command.js";
import { registerAgent } from "./commands/agent.js";
import { registerAgents } from "./commands/agents.js";
import { registerArtifact } from "./commands/artifact.js";
import { registerBest } from "./commands/best.js";
import { registerCoordinator } from "./commands/coordinator.js";
import { registerDelete } from "./commands/delete.js";
import { registerDoctor } from "./commands/doctor.js";
import { registerExplain } from "./commands/explain.js";
import { registerExport } from "./commands/export.js";
import { registerExtend } from "./commands/extend.js";
import { registerLogs } from "./commands/logs.js";
import { registerLs } from "./commands/ls.js";
import { registerPause } from "./commands/pause.js";
import { registerResume } from "./commands/resume.js";
import { registerRetry } from "./commands/retry.js";
import { registerShow } from "./commands/show.js";
import { registerStop } from "./commands/stop.js";
import { registerSubmit } from "./commands/submit.js";
import { registerUp } from "./commands/up.js";
import { registerValidate } from "./commands/validate.js";
import { registerWatch } from "./commands/watch.js";
import { exitCodesHelp } from "./exit-codes.js";

/** A command in the list of all: without its options, so that its description has room in 80 columns. */
function subcommandTerm(command: Command): string {
  const words = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? "..." : ""}`;
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return [command.name(), ...words].join(" ");
}

/** The few that most work is done with stand first. */
const groups: readonly (readonly [string, readonly ((program: Command) => void)[]])[] = [
  ["Most used:", [registerSubmit, registerWatch, registerBest, registerShow, registerLogs, registerReport]],
  ["Start:", [registerDemo, registerUp, registerCoordinator, registerAgent, registerDoctor]],
  [
    "Searches:",
    [
      registerValidate,
      registerLs,
      registerExplain,
      registerPause,
      registerResume,
      registerStop,
      registerRetry,
      registerExtend,
      registerDelete,
    ],
  ],
  ["Results and machines:", [registerExport, registerArtifact, registerAgents]],
];

/** A program that throws instead of ending the process. */
export function createProgram(): Command {
  const program = new Command("regulus")
    .description("Searches hyperparameters on many machines, and moves them inside training.")
    .version(version())
    .exitOverride()
    .enablePositionalOptions()
    .showHelpAfterError("(regulus COMMAND --help tells more)")
    .configureHelp({ sortOptions: false, subcommandTerm })
    .addHelpText(
      "after",
      `
Examples:
  regulus demo                    a real search on this machine, in two minutes
  regulus up                      a coordinator and an agent, until Ctrl-C
  regulus submit search.yaml -w   start a search and follow it
  regulus best 7f3a               the best hyperparameters of a search
  regulus explain 7f3a            why it waits

The coordinator is found at 127.0.0.1:7711, at --coordinator, or at
$REGULUS_COORDINATOR.
${exitCodesHelp}`,
    );
  for (const [title, registers] of groups) {
    program.commandsGroup(title);
    for (const register of registers) register(program);
  }
  // Commander copies these to commands made by `.command()` only at their making; commands of other folders are made the same way.
  for (const command of program.commands)
    command.exitOverride().showHelpAfterError(`(regulus ${command.name()} --help tells more)`);
  return program;
}

function version(): string {
  const found: unknown = createRequire(import.meta.url)("../../../package.json");
  return typeof found === "object" && found !== null && "version" in found ? String(found.version) : "unknown";
}
