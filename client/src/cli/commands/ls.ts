/** `regulus ls`: the searches of a coordinator, newest first. */
import { type ListSearchesRequest, type Search, SearchStatus, SearchView } from "@regulus/proto";
import { type Command, InvalidArgumentError, Option } from "commander";
import pc from "picocolors";
import { areColoursWanted } from "../../display/colours.js";
import { formatPercent, formatSeconds } from "../../display/numbers.js";
import { type ConnectionOptions, withClient, withConnection } from "../connection.js";
import { columnsThatFit, note, table, terminalColumns, writeJson, writeTable } from "../output.js";
import { wholeNumber } from "../read-values.js";
import { ageWords, bestWords, countWords, searchStatusWords, shortBestWords, wastedShare } from "../words.js";

interface LsOptions extends ConnectionOptions {
  readonly status?: keyof typeof statuses;
  readonly name?: string;
  readonly label: Readonly<Record<string, string>>;
  readonly limit: number;
}

const statuses = {
  running: SearchStatus.SEARCH_STATUS_RUNNING,
  paused: SearchStatus.SEARCH_STATUS_PAUSED,
  stopping: SearchStatus.SEARCH_STATUS_STOPPING,
  ended: SearchStatus.SEARCH_STATUS_ENDED,
} as const;

export function registerLs(program: Command): void {
  const command = program.command("ls").description("list searches, newest first");
  withConnection(command)
    .addOption(new Option("--status <status>", "only searches with this status").choices(Object.keys(statuses)))
    .option("--name <text>", "only searches whose name contains this text")
    .option("--label <name=value>", "only searches with this label; repeatable", label, {})
    .option("-n, --limit <count>", "at most so many", wholeNumber, 100)
    .addHelpText("after", "\nExamples:\n  regulus ls\n  regulus ls --status running --label team=vision --json\n")
    .action(ls);
}

async function ls(options: LsOptions): Promise<void> {
  const request: Partial<ListSearchesRequest> = {
    statuses: options.status === undefined ? [] : [statuses[options.status]],
    nameContains: options.name ?? "",
    labels: { ...options.label },
    pageSize: Math.min(options.limit, 100),
    view: options.json === true ? SearchView.SEARCH_VIEW_FULL : SearchView.SEARCH_VIEW_BASIC,
  };
  const searches = await withClient(options, async (client) => {
    const found: Search[] = [];
    for await (const search of client.searches(request)) {
      if (found.length >= options.limit) break;
      found.push(search);
    }
    return found;
  });
  if (options.json) writeJson({ searches });
  else if (searches.length === 0) note("no searches; regulus submit FILE starts one");
  else writeTable(searchTable(searches, terminalColumns(), paint(searches)));
}

const head = ["SEARCH", "NAME", "STATUS", "TRIALS", "BEST", "TIME", "SLOTS", "WASTED"];
const bestColumn = head.indexOf("BEST");

/** On a terminal that is too narrow the last columns are left out, none up to BEST; only then are cells cut. A pipe gets everything. */
export function searchTable(
  searches: readonly Search[],
  columns: number | undefined,
  style?: (text: string, row: number) => string,
): string {
  const rows = searches.map(row);
  const shown = columns === undefined ? head.length : columnsThatFit(head, rows, { fixed: bestColumn + 1, columns });
  const shorter = (at: number, column: number, width: number) => {
    const search = searches[at];
    return column === bestColumn && search !== undefined ? shortBestWords(search, width) : undefined;
  };
  const cells = rows.map((row) => row.slice(0, shown));
  return table(head.slice(0, shown), cells, columns, style, shorter);
}

/** Failed searches are red on a terminal. */
function paint(searches: readonly Search[]): (text: string, row: number) => string {
  const { red } = pc.createColors(areColoursWanted(process.stdout));
  return (text, row) => (searches[row]?.outcome === "SEARCH_OUTCOME_FAILED" ? red(text) : text);
}

function row(search: Search): string[] {
  const name = search.spec?.name ?? "";
  return [
    search.searchId,
    name,
    searchStatusWords(search),
    countWords(search),
    bestWords(search),
    ageWords(search, Date.now()),
    formatSeconds(search.slotSeconds),
    formatPercent(wastedShare(search)),
  ];
}

function label(pair: string, earlier: Readonly<Record<string, string>>): Record<string, string> {
  const at = pair.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("expected NAME=VALUE");
  return { ...earlier, [pair.slice(0, at)]: pair.slice(at + 1) };
}
