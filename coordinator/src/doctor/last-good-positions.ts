/** For who is told that the log is damaged: what is left of each search, and what to do. */
import { counted, RegulusError } from "@regulus/proto";
import { named } from "../log/compare-heads.js";
import { InspectedLog } from "./inspected-log.js";

/** Words that follow those about the damage. `data`: the folder as its owner calls it. */
export function lastGoodPositions(path: string, data: string): string {
  const todo = `Nothing was changed. Restore the folder from a backup, or look at it with: regulus doctor --data ${data}`;
  try {
    const log = new InspectedLog(path);
    try {
      const searches = log.inspect(() => undefined);
      const parts = searches.map(({ searchId, good, acknowledged, problem }) =>
        problem === ""
          ? `search ${searchId} is whole with ${counted(good, "fact")}`
          : `search ${searchId} is good up to position ${good} of ${acknowledged}`,
      );
      // Those that are not whole first.
      parts.sort((a, b) => Number(a.includes("is whole")) - Number(b.includes("is whole")));
      return `${parts.length === 0 ? "No search can be read" : named(parts)}. ${todo}`;
    } finally {
      log.close();
    }
  } catch (thrown) {
    // No space for a copy, for example: the damage itself is told all the same.
    return `${RegulusError.from(thrown).message}. ${todo}`;
  }
}
