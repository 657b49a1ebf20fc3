/**
 * Page tokens: after which row a listing goes on, bound to the question that the first page answered. A token of another question is
 * refused, since its page would lose rows or repeat them. Clients have no reason to read one.
 */
import { createHash } from "node:crypto";
import { RegulusError } from "@regulus/proto";

/** What a row is ordered by, the first difference counts. Each place holds values of one type in every row. */
export type RowKey = readonly (number | string)[];

/** The listing's request; page size and token are no part of the question. */
interface Question {
  readonly pageSize: number;
  readonly pageToken: string;
}

/** A token for the rows after `key`. */
export function writePageToken(question: Question, key: RowKey): string {
  return Buffer.from(JSON.stringify([digest(question), ...key])).toString("base64url");
}

/** The key of the last row of the page before; undefined for the first page. Fails where the token is not of this question. */
export function readPageToken(question: Question): RowKey | undefined {
  if (question.pageToken === "") return undefined;
  const [asked, ...key] = parsed(Buffer.from(question.pageToken, "base64url").toString());
  const parts = key.filter((part) => typeof part === "number" || typeof part === "string");
  if (asked === digest(question) && parts.length === key.length) return parts;
  const expected = "the nextPageToken of this listing's last page, whose other fields were the same, or nothing";
  throw RegulusError.invalid([{ field: "pageToken", seen: JSON.stringify(question.pageToken), expected }]);
}

/** Compares keys, the first place downwards where `descending`: what is equal there comes in the same order both ways. */
export function keyOrder(descending: boolean): (a: RowKey, b: RowKey) => number {
  return (a, b) => {
    for (const [index, left] of a.entries()) {
      const right = b[index];
      if (right === undefined || left === right) continue;
      return left < right === (descending && index === 0) ? 1 : -1;
    }
    return 0;
  };
}

function digest(question: Question): string {
  const asked = Object.entries(question).filter(([field]) => field !== "pageSize" && field !== "pageToken");
  const text = JSON.stringify(asked.map(([field, value]) => [field, sorted(value)]).sort());
  return createHash("sha256").update(text).digest("base64url").slice(0, 12);
}

/** Lists and maps of a filter mean the same in any order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return [...value].sort();
  return typeof value === "object" && value !== null ? Object.entries(value).sort() : value;
}

function parsed(text: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
