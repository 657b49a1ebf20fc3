/**
 * Checks of requests, field by field: every problem of a request is found before it is refused. What a field means to a search is
 * the coordinator's to check; here stands what can be said of the field alone.
 */
import { cutText, expectedOneOf, isId, limits, type Problem, ProblemList, RegulusError, textFault } from "@regulus/proto";
import { bounds } from "./bounds.js";

const sha256Pattern = /^[0-9a-f]{64}$/;

/** Free text of a request, cut to what is kept of it. */
export const keptText = (text: string): string => cutText(text, limits.textCharactersMax);

/** Collects the problems of one request. Field paths are written as in JSON: `searchId`, `labels[owner]`. */
export class RequestChecks {
  readonly #problems = new ProblemList();

  problem(field: string, seen: unknown, expected: string): void {
    this.#problems.add(field, seen, expected);
  }

  /** The id of a search or an agent. */
  id(field: string, value: string): void {
    if (!isId(value)) {
      this.problem(
        field,
        value,
        `1 to ${limits.nameCharactersMax} letters, digits, '.', '_' or '-', the first a letter or digit`,
      );
    }
  }

  /** The number of a trial. */
  trial(field: string, value: number): void {
    this.wholeNumber(field, value, { min: 0, max: limits.trialsMax - 1 });
  }

  wholeNumber(field: string, value: number, range: { readonly min: number; readonly max: number }): void {
    if (!Number.isSafeInteger(value) || value < range.min || value > range.max) {
      this.problem(field, value, `a whole number from ${range.min} to ${range.max}`);
    }
  }

  /** Text of at most `max` characters, without control characters. */
  text(field: string, value: string, max: number = limits.nameCharactersMax): void {
    const fault = textFault(value, max);
    if (fault !== undefined) this.#problems.addText(field, fault.seen, fault.expected);
  }

  labels(field: string, labels: Readonly<Record<string, string>>): void {
    const pairs = Object.entries(labels);
    if (!this.count(field, pairs.length, limits.labelsMax)) return;
    for (const [name, value] of pairs) {
      if (name === "") this.problem(`${field}[]`, name, "a name for every label");
      this.text(`${field}[${name}]`, name);
      this.text(`${field}[${name}]`, value);
    }
  }

  /** Whether a list is short enough to be looked at. */
  count(field: string, count: number, max: number): boolean {
    if (count > max) this.#problems.addText(field, `${count} of them`, `at most ${max}`);
    return count <= max;
  }

  /** Values of an enumeration in a filter: known ones, and not "unspecified", which an empty filter stands for. */
  filter(field: string, values: readonly string[], known: Readonly<Record<string, string>>): void {
    const names = Object.values(known).filter((name) => name !== "UNRECOGNIZED" && !name.endsWith("_UNSPECIFIED"));
    if (!this.count(field, values.length, 4 * names.length)) return;
    for (const [index, value] of values.entries()) {
      if (!names.includes(value)) this.problem(`${field}[${index}]`, value, expectedOneOf(value, names));
    }
  }

  /** Paging: a page size above the maximum is lowered to it by the listing. */
  page(page: { readonly pageSize: number; readonly pageToken: string; readonly orderBy: string }): void {
    this.text("pageToken", page.pageToken, bounds.pageTokenCharactersMax);
    this.text("orderBy", page.orderBy);
  }

  artifact(field: string, ref: { readonly sha256: string; readonly size: number; readonly kind: string }): void {
    this.sha256(`${field}.sha256`, ref.sha256);
    this.wholeNumber(`${field}.size`, ref.size, { min: 0, max: limits.artifactBytesMax });
    this.text(`${field}.kind`, ref.kind);
  }

  sha256(field: string, value: string): void {
    if (!sha256Pattern.test(value)) this.problem(field, value, "64 lower-case hexadecimal digits");
  }

  all(): readonly Problem[] {
    return this.#problems.all();
  }

  /** Fails with every problem that was found. */
  done(): void {
    const problems = this.all();
    if (problems.length > 0) throw RegulusError.invalid(problems);
  }
}
