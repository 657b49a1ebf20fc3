/** `regulus artifact`: lists what a trial left (schedules, images, reports, a program's output), or fetches one of it as a plain file. */
import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type ArtifactRef, RegulusError, type Trial } from "@regulus/proto";
import type { Command } from "commander";
import type { RegulusClient } from "../../connect.js";
import { counted, formatCount } from "../../display/numbers.js";
import { type ConnectionOptions, withClient, withConnection } from "../connection.js";
import { extractCheckpoint } from "../extract-checkpoint.js";
import { findSearch } from "../find-search.js";
import { type TrialName, trialName, trialNumber } from "../find-trial.js";
import { note, table, writeJson, writeLine, writePiece } from "../output.js";
import { partialOf } from "../output-file.js";
import { wholeNumber } from "../read-values.js";
import { SafeOutputStream } from "../safe-output.js";

/** Trials that are looked through for one that left what is asked for. */
const trialsSeenMax = 1000;
/** Kinds that hold what a trial trained. */
const checkpointKinds: readonly string[] = ["checkpoint", "best-checkpoint"];

interface ArtifactOptions extends ConnectionOptions {
  readonly output?: string;
  readonly number?: number;
  readonly extract?: string;
}

export function registerArtifact(program: Command): void {
  withConnection(program.command("artifact").description("list the artifacts of a trial, or fetch one as a file"))
    .argument("<search>", "id of the search, its beginning, or its name")
    .argument("<trial>", "number of the trial, or best", trialName)
    .argument("[kind]", "what to fetch: schedule, image, report, output, checkpoint, best-checkpoint ...; absent for a list")
    .option("-o, --output <file>", "file to write; default: standard output (-)")
    .option("--extract <dir>", "restore the files of a checkpoint into this new or empty folder")
    .option("--number <n>", "which one of several of a kind, from 0; default: the last", wholeNumber)
    .addHelpText(
      "after",
      "\nExamples:\n  regulus artifact 7f3a best\n  regulus artifact 7f3a best schedule -o schedule.json\n  regulus artifact 7f3a 12 image --number 0 -o first.png\n  regulus artifact 7f3a best best-checkpoint --extract model\n",
    )
    .action(artifact);
}

async function artifact(
  idOrBeginning: string,
  name: TrialName,
  kind: string | undefined,
  options: ArtifactOptions,
): Promise<void> {
  await withClient(options, async (client) => {
    const trial = await findTrial(client, idOrBeginning, { name, kind });
    const left = leftBy(trial);
    if (kind === undefined) list(left, options);
    else await fetchOne(client, choose(trial, left, { kind, number: options.number }), options);
  });
}

async function findTrial(
  client: RegulusClient,
  idOrBeginning: string,
  { name, kind }: { readonly name: TrialName; readonly kind: string | undefined },
): Promise<Trial> {
  const search = await findSearch(client, idOrBeginning, { newest: true });
  const { searchId } = search;
  const { trial } = await client.getTrial({ searchId, trial: trialNumber(search, name) });
  if (trial === undefined) throw new RegulusError("internal", "the coordinator's answer lacks the trial");
  if (name !== "best" || kind === undefined || leaves(trial, kind)) return trial;
  // The best may be one that only replays what another learned.
  const other = await bestWith(client, searchId, kind);
  if (other === undefined) return trial;
  // Another trial's model must not pass for the best one's.
  if (checkpointKinds.includes(kind)) throw noCheckpoint({ searchId, best: trial.trial, other: other.trial, kind });
  note(`trial ${other.trial} is the best with a ${kind}; the best of all, trial ${trial.trial}, has none`);
  return other;
}

function noCheckpoint({
  searchId,
  best,
  other,
  kind,
}: {
  searchId: string;
  best: number;
  other: number;
  kind: string;
}): RegulusError {
  const words = `trial ${best} is the best and has no ${kind}; trial ${other} is the best that has one`;
  return new RegulusError("not-found", `${words}: regulus artifact ${searchId} ${other} ${kind} gets it`);
}

/** The best trial that left such a thing; undefined where none of the best did. */
async function bestWith(client: RegulusClient, searchId: string, kind: string): Promise<Trial | undefined> {
  let seen = 0;
  for await (const trial of client.trials({ searchId, bestFirst: true, pageSize: 100 })) {
    if (leaves(trial, kind)) return trial;
    seen += 1;
    if (seen >= trialsSeenMax) return undefined;
  }
  return undefined;
}

function leaves(trial: Trial, kind: string): boolean {
  return leftBy(trial).some((one) => one.kind === kind);
}

/** An artifact, and the step that a checkpoint holds. */
interface Left extends ArtifactRef {
  readonly step?: number;
}

/** Artifacts of a trial, in the order in which it left them; then its newest checkpoint, the final one where it is over, and its best one. */
function leftBy({ artifacts, checkpoint, checkpointStep, bestCheckpoint, bestCheckpointStep }: Trial): readonly Left[] {
  return [
    ...artifacts,
    ...(checkpoint === undefined ? [] : [{ ...checkpoint, kind: "checkpoint", step: checkpointStep }]),
    ...(bestCheckpoint === undefined ? [] : [{ ...bestCheckpoint, kind: "best-checkpoint", step: bestCheckpointStep }]),
  ];
}

function list(left: readonly Left[], { json }: ArtifactOptions): void {
  if (json) writeJson({ artifacts: left });
  else if (left.length === 0) note("it left nothing");
  else
    writeLine(
      table(
        ["KIND", "STEP", "BYTES", "SHA-256"],
        left.map(({ kind, step, size, sha256 }) => [
          kind,
          step === undefined ? "" : formatCount(step),
          formatCount(size),
          sha256,
        ]),
      ),
    );
}

function choose(
  trial: Trial,
  left: readonly Left[],
  { kind, number }: { readonly kind: string; readonly number: number | undefined },
): Left {
  const fitting = left.filter((one) => one.kind === kind);
  const chosen = fitting.at(number ?? -1);
  if (chosen !== undefined) return chosen;
  const kinds = [...new Set(left.map((one) => one.kind))].join(", ") || "nothing";
  const seen = fitting.length === 0 ? `no ${kind}` : `${fitting.length} of kind ${kind}, no number ${number}`;
  throw new RegulusError("not-found", `trial ${trial.trial} left ${seen}; it left ${kinds}`);
}

async function fetchOne(client: RegulusClient, { sha256, size, kind }: ArtifactRef, options: ArtifactOptions): Promise<void> {
  if (options.extract !== undefined) {
    const files = await extractCheckpoint(client.getArtifact(sha256), options.extract);
    if (options.json) writeJson({ folder: options.extract, files, kind, sha256, size });
    else note(`${kind}: ${counted(files.length, "file")} in ${options.extract}`);
    return;
  }
  if (options.output === undefined || options.output === "-") {
    await writeOut(client, sha256);
    return;
  }
  // Beside its place first: what is cut short or is not what its name says must not look like the whole.
  const partial = partialOf(options.output);
  try {
    await pipeline(Readable.from(client.getArtifact(sha256)), createWriteStream(partial));
    await rename(partial, options.output);
  } catch (thrown) {
    await rm(partial, { force: true });
    throw thrown;
  }
  if (options.json) writeJson({ file: options.output, kind, sha256, size });
  else note(`${kind} of ${counted(size, "byte")} written to ${options.output}`);
}

/** As it is; a terminal gets no escape sequence of it. */
async function writeOut(client: RegulusClient, sha256: string): Promise<void> {
  const shown = new SafeOutputStream();
  for await (const piece of client.getArtifact(sha256)) await writePiece(process.stdout.isTTY ? shown.add(piece) : piece);
  await writePiece(shown.end());
}
