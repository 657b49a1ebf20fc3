/**
 * A report as a library: searches in, one HTML file out that holds its scripts, its style and its data and works without a network.
 * It reads what does not change between reports (ECharts, the page's own script and style) from this package's files.
 */
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { RegulusError } from "@regulus/proto";
import { formatCount, formatPercent, formatSeconds, formatValue } from "../display/numbers.js";
import { reportPage } from "./page.js";
import type { SearchRecord } from "./result.js";

export interface ReportOptions {
  /** Headline of the page. Default "Regulus report". */
  readonly title?: string;
  /** The time that the page shows as its own, in milliseconds since 1970. Default now. */
  readonly madeMs?: number;
}

/** The page as text. Searches share the plots, in their order. */
export async function renderReport(searches: readonly SearchRecord[], options: ReportOptions = {}): Promise<string> {
  if (searches.length === 0) throw new RegulusError("invalid-argument", "saw no search, expected at least one to report on");
  const [echarts, draw, style] = await Promise.all([
    readFile(fileURLToPath(import.meta.resolve("echarts/dist/echarts.min.js")), "utf8"),
    readFile(new URL("../../assets/report.js", import.meta.url), "utf8"),
    readFile(new URL("../../assets/report.css", import.meta.url), "utf8"),
  ]);
  // The charts format numbers with the very functions that the tables and the terminal use.
  const formats = [formatValue, formatPercent, formatCount, formatSeconds].map(String).join("\n");
  return reportPage(searches, {
    title: options.title ?? "Regulus report",
    madeMs: options.madeMs ?? Date.now(),
    scripts: [echarts, formats, draw],
    style,
  });
}

/** Writes the page. An existing file is replaced. */
export async function writeReport(file: string, searches: readonly SearchRecord[], options: ReportOptions = {}): Promise<void> {
  const page = await renderReport(searches, options);
  try {
    await writeFile(file, page);
  } catch (cause) {
    throw new RegulusError("failed-precondition", `the report could not be written to ${file}: ${String(cause)}`, { cause });
  }
}
