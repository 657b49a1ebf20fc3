/** A search by its id or the beginning of it, as people type it. */
import { RegulusError, type Search } from "@regulus/proto";
import type { RegulusClient } from "../connect.js";

/** Searches that a beginning is compared with, newest first. */
const comparedMax = 1000;

/** The search with this id, or the only one whose id begins so. */
export async function findSearch(client: RegulusClient, idOrBeginning: string): Promise<Search> {
  try {
    return await client.getSearch(idOrBeginning);
  } catch (thrown) {
    const error = RegulusError.from(thrown);
    if (error.code !== "not-found" || idOrBeginning === "") throw error;
    const { searches } = await client.listSearches({ pageSize: comparedMax });
    const fitting = searches.filter(({ searchId }) => searchId.startsWith(idOrBeginning));
    const [only] = fitting;
    if (only !== undefined && fitting.length === 1) return only;
    if (only === undefined) throw new RegulusError("not-found", `no search ${idOrBeginning}; regulus ls lists those there are`);
    const ids = fitting.slice(0, 5).map(({ searchId }) => searchId);
    throw new RegulusError("invalid-argument", `${fitting.length} searches begin with ${idOrBeginning}: ${ids.join(", ")}`);
  }
}
