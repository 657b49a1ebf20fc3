/** `regulus doctor`: what this machine has: backends, permissions, servers, ports, and whether a coordinator answers. */
import type { Command } from "commander";
import { type ConnectionOptions, withConnection } from "../connection.js";
import { examine } from "../examine.js";
import { exitCodes } from "../exit-codes.js";
import { table, writeJson, writeLine } from "../output.js";

interface DoctorOptions extends ConnectionOptions {
  readonly data: string;
}

export function registerDoctor(program: Command): void {
  withConnection(program.command("doctor").description("say which backends, servers and permissions this machine has"))
    .option("--data <dir>", "folder that is to hold data", ".regulus")
    .addHelpText(
      "after",
      "\nExamples:\n  regulus doctor\n  regulus doctor --json\n\nFails with exit code 5 where this machine can't train at all.\n",
    )
    .action(async (options: DoctorOptions) => {
      const findings = await examine(options);
      if (options.json) writeJson({ findings });
      else
        writeLine(
          table(
            ["", "WHAT", "DETAIL"],
            findings.map(({ name, ok, detail }) => [ok ? "yes" : "no", name, detail]),
          ),
        );
      if (!findings.some(({ name, ok }) => ok && name.startsWith("backend "))) process.exitCode = exitCodes.refused;
    });
}
