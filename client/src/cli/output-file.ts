/** Where a result goes that is written beside its place first, so that a failed command leaves an earlier file as it was. */
import { statSync } from "node:fs";
import { dirname } from "node:path";
import { RegulusError } from "@regulus/proto";

/** The name to write under until the file is whole. Fails before anything is written where the place is a folder or is in none. */
export function partialOf(output: string): string {
  if (statSync(output, { throwIfNoEntry: false })?.isDirectory()) {
    throw new RegulusError("invalid-argument", `--output ${output} is a folder; expected the name of a file`);
  }
  const folder = dirname(output);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new RegulusError("not-found", `--output ${output}: there is no folder ${folder}`);
  }
  return `${output}.partial`;
}
