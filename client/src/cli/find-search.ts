/** A search by its id, the beginning of it, or its name, as people type them. */
import { RegulusError, type Search, SearchView } from "@regulus/proto";
import type { RegulusClient } from "../connect.js";
import { counted, plainText } from "../display/numbers.js";
import { note } from "./output.js";
import { searchStatusWords } from "./words.js";

/** Candidates that an error names. */
const namedMax = 5;

/**
 * The search with this id; else the only one whose id begins so; else the only one with this name. A whole name is clearer than a beginning that
 * several ids have. @param newest of several with this name the newest, and says so: for commands that change nothing
 */
export async function findSearch(
  client: RegulusClient,
  given: string,
  { newest = false }: { readonly newest?: boolean } = {},
): Promise<Search> {
  try {
    return await client.getSearch(given);
  } catch (thrown) {
    const { code } = RegulusError.from(thrown);
    // A name may hold what no id does.
    if ((code !== "not-found" && code !== "invalid-argument") || given === "") throw thrown;
  }
  const byId: Search[] = [];
  const byName: Search[] = [];
  for await (const search of client.searches({ view: SearchView.SEARCH_VIEW_BASIC })) {
    if (search.searchId.startsWith(given)) byId.push(search);
    if (search.spec?.name === given) byName.push(search);
  }
  const only = [byId, byName].find(({ length }) => length === 1)?.[0];
  if (only !== undefined) return client.getSearch(only.searchId);
  const shown = plainText(given, 200);
  const latest = byName.reduce<Search | undefined>((a, b) => (a === undefined || b.createdMs > a.createdMs ? b : a), undefined);
  if (newest && latest !== undefined) {
    note(`${counted(byName.length, "search", "searches")} are named ${shown}; this is the newest, ${latest.searchId}`);
    return client.getSearch(latest.searchId);
  }
  if (byId.length === 0 && byName.length === 0)
    throw new RegulusError("not-found", `no search ${shown}; regulus ls lists all searches`);
  const [found, how] = byName.length > 0 ? [byName, "are named"] : [byId, "have an id that begins with"];
  throw new RegulusError(
    "invalid-argument",
    `${counted(found.length, "search", "searches")} ${how} ${shown}; give a longer id:${candidates(found)}`,
  );
}

/** A line each. */
function candidates(found: readonly Search[]): string {
  const lines = found.slice(0, namedMax).map((search) => {
    const name = plainText(search.spec?.name ?? "", 60);
    return `\n  ${search.searchId}  ${searchStatusWords(search)}${name === "" ? "" : `  ${name}`}`;
  });
  const more = found.length - lines.length;
  return lines.join("") + (more > 0 ? `\n  and ${more} more` : "");
}
