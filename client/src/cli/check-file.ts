/**
 * Everything that is wrong with a search file, at once: what the file alone shows, and what a coordinator, who knows the registered names
 * and their options, finds in as much of it as could be read.
 */
import { RegulusError, type SearchReading, type SearchSpec, type Warning } from "@regulus/proto";
import type { RegulusClient } from "../connect.js";

/** Told what the owner of a search should know although it is accepted. */
type OnWarnings = (warnings: readonly Warning[]) => void;

/** Has a coordinator check a file. Answers undefined where it is good; fails where the coordinator can't be asked. */
export async function checkFile(
  client: RegulusClient,
  reading: SearchReading,
  onWarnings?: OnWarnings,
): Promise<RegulusError | undefined> {
  try {
    await client.createSearch({ spec: reading.spec, validateOnly: true, onWarnings });
  } catch (thrown) {
    const error = RegulusError.from(thrown);
    if (error.code !== "invalid-argument") throw error;
    return asFileProblems(error, reading);
  }
  return ownProblems(reading);
}

/** Starts the search of a file. Fails with all of its problems. */
export async function createFromFile(
  client: RegulusClient,
  reading: SearchReading,
  changes: { readonly spec: Partial<SearchSpec>; readonly idempotencyKey?: string | undefined; readonly onWarnings: OnWarnings },
) {
  const own = ownProblems(reading);
  // The file's own problems are enough to refuse it where nobody can be asked for more.
  if (own !== undefined) throw (await checkFile(client, reading).catch(() => own)) ?? own;
  const spec = { ...reading.spec, ...changes.spec };
  return client.createSearch({ ...changes, spec }).catch((thrown: unknown) => {
    throw asFileProblems(RegulusError.from(thrown), reading);
  });
}

/** What the file alone shows to be wrong; undefined where that is nothing. */
export function ownProblems({ problems }: SearchReading): RegulusError | undefined {
  return problems.length === 0 ? undefined : RegulusError.invalid(problems);
}

/** The same error with the file's paths and the file's own problems. */
function asFileProblems(error: RegulusError, reading: SearchReading): RegulusError {
  if (error.problems.length === 0) return ownProblems(reading) ?? error;
  const problems = reading.joined(error.problems);
  return problems.length === 0 ? error : RegulusError.invalid(problems);
}
