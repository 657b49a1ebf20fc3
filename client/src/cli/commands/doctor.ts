/** `regulus doctor`: what this machine has, whether a coordinator answers, and whether the log and the artifacts of a data folder are whole. */
import { RegulusError } from "@regulus/proto";
import type { Command } from "commander";
import { type ConnectionOptions, withConnection } from "../connection.js";
import { examine, type Finding } from "../examine.js";
import { type DataFindings, examineData, logFolderIn } from "../examine-data.js";
import { exitCodes } from "../exit-codes.js";
import { note, wrapped, writeJson, writeLine } from "../output.js";

interface DoctorOptions extends ConnectionOptions {
  readonly data: string;
  readonly repair?: boolean;
}

export function registerDoctor(program: Command): void {
  withConnection(program.command("doctor").description("check this machine, and the log and artifacts of a stopped coordinator"))
    .option("--data <dir>", "folder of regulus up or of a coordinator", ".regulus")
    .option("--repair", "give up damaged facts: continue from the last good position of each search; keep the old files")
    .addHelpText(
      "after",
      `
Examples:
  regulus doctor
  regulus doctor --data .regulus
  regulus doctor --data .regulus --repair

Exit codes: 7 if the log or an artifact is damaged, 3 if --data has no log,
5 if this machine can't train at all.
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
  const none: DataFindings = { findings: isMissed ? [noLog] : [], isLogDamaged: false, areArtifactsDamaged: false };
  const onProgress = (words: string) => note(`doctor: ${words}`);
  const data = folder === undefined ? none : await examineData(folder, { repair: options.repair === true, onProgress });
  const machine = options.repair ? [] : await examine(options);
  write([...data.findings, ...machine], options);
  if (data.isLogDamaged || data.areArtifactsDamaged) {
    note(advice(data, options.data));
    process.exitCode = exitCodes.dataLoss;
  } else if (isMissed) {
    process.exitCode = exitCodes.notFound;
  } else if (!options.repair && !machine.some(({ name, ok }) => ok && name.startsWith("backend "))) {
    process.exitCode = exitCodes.refused;
  }
}

function write(findings: readonly Finding[], { json }: DoctorOptions): void {
  if (json) writeJson({ findings: findings.map(({ name, ok = null, detail }) => ({ name, ok, detail })) });
  else
    writeLine(
      wrapped(
        ["", "WHAT", "DETAIL"],
        findings.map(({ name, ok, detail }) => [ok === undefined ? "-" : ok ? "yes" : "no", name, detail]),
      ),
    );
}

/** What to do about damage. A repair gives up facts; it mends no artifact. */
function advice({ isLogDamaged, areArtifactsDamaged }: DataFindings, data: string): string {
  const log = `
The log: restore the whole folder from a backup, or give up the damaged facts:
  regulus doctor --data ${data} --repair
Each search then continues from its last good position; the old files are kept.`;
  const artifacts = `
Artifacts: --repair can't mend them. Put the files named above back from a backup.
Without one, leave them: a trial that would go on from such a checkpoint goes on
from the one before it, or from its beginning; fetching the artifact fails.`;
  return `${isLogDamaged ? log : ""}${areArtifactsDamaged ? artifacts : ""}`;
}
