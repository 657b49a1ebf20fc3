/** `regulus doctor`: what this machine has, whether a coordinator answers, and whether the log and the artifacts of a data folder are whole. */
import { RegulusError } from "@regulus/proto";
import type { Command } from "commander";
import { type ConnectionOptions, withConnection } from "../connection.js";
import { examine, type Finding } from "../examine.js";
import { type DataFindings, examineData, logFolderIn } from "../examine-data.js";
import { exitCodes } from "../exit-codes.js";
import { note, table, writeJson, writeLine } from "../output.js";

interface DoctorOptions extends ConnectionOptions {
  readonly data: string;
  readonly repair?: boolean;
}

export function registerDoctor(program: Command): void {
  withConnection(
    program.command("doctor").description("check this machine, and the log and artifacts of a coordinator that does not run"),
  )
    .option("--data <dir>", "folder of regulus up or of a coordinator", ".regulus")
    .option("--repair", "give up damaged facts: go on from the last good position of each search; old files are put aside")
    .addHelpText(
      "after",
      `
Examples:
  regulus doctor
  regulus doctor --data .regulus
  regulus doctor --data .regulus --repair

Fails with exit code 7 where the log or an artifact is damaged, with 3 where --data names a folder without a log, with 5 where this machine can't train at all.
`,
    )
    .action(doctor);
}

async function doctor(options: DoctorOptions, command: Command): Promise<void> {
  const folder = logFolderIn(options.data);
  if (options.repair && folder === undefined) throw new RegulusError("not-found", `there is no log in ${options.data}`);
  // The default folder may well not be there yet; one that was typed is to be looked at.
  const isMissed = folder === undefined && command.getOptionValueSource("data") === "cli";
  const noLog: Finding = { name: "log", ok: false, detail: `there is no log in ${options.data}` };
  const none: DataFindings = { findings: isMissed ? [noLog] : [], isDamaged: false };
  const onProgress = (words: string) => note(`doctor: ${words}`);
  const data = folder === undefined ? none : await examineData(folder, { repair: options.repair === true, onProgress });
  const machine = options.repair ? [] : await examine(options);
  write([...data.findings, ...machine], options);
  if (data.isDamaged) {
    note(advice(options.data));
    process.exitCode = exitCodes.dataLoss;
  } else if (isMissed) {
    process.exitCode = exitCodes.notFound;
  } else if (!options.repair && !machine.some(({ name, ok }) => ok && name.startsWith("backend "))) {
    process.exitCode = exitCodes.refused;
  }
}

function write(findings: readonly Finding[], { json }: DoctorOptions): void {
  if (json) writeJson({ findings });
  else
    writeLine(
      table(
        ["", "WHAT", "DETAIL"],
        findings.map(({ name, ok, detail }) => [ok ? "yes" : "no", name, detail]),
      ),
    );
}

function advice(data: string): string {
  return `
Nothing was changed. Restore the folder from a backup, or give up what is damaged and go on from the
last good positions: regulus doctor --data ${data} --repair
The old files are kept. Artifacts can't be repaired; trials that need a missing one start again.`;
}
