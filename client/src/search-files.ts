/** Search files on this machine: YAML or JSON, by their content and not their name, into a search or everything that is wrong with it. */

import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { limits, RegulusError, readSearchDocument, type SearchReading, type SearchSpec } from "@regulus/proto";
import { type Document, isMap, parseAllDocuments, parseDocument } from "yaml";
import { counted } from "./display/numbers.js";

/** Syntax errors that are told at once; later ones mostly follow from the first. */
const syntaxErrorsMax = 5;

/** Reads a search file; "-" stands for standard input. Fails with "not-found" or with every problem of its content. */
export async function readSearchFile(path: string): Promise<SearchSpec> {
  return soundSpec(await openSearchFile(path));
}

/** Reads as much of a search file as can be read, and what is wrong with it. Fails where it is not there or is neither YAML nor JSON. A name stands in for the file's. */
export async function openSearchFile(path: string, searchName?: string): Promise<SearchReading> {
  const text = path === "-" ? await readInput() : await readText(path);
  const name = path === "-" ? "standard input" : path;
  const document = await withSchedule(parseText(text, name), path === "-" ? "." : dirname(path));
  if (searchName !== undefined && isMap(document.contents)) document.set("name", searchName);
  return readDocument(document, name);
}

/** A search file's text as a search. Fails with every problem of it. */
export function parseSearchText(text: string, name: string): SearchSpec {
  return soundSpec(readSearchText(text, name));
}

function soundSpec({ spec, problems }: SearchReading): SearchSpec {
  if (problems.length > 0) throw RegulusError.invalid(problems);
  return spec;
}

/** The document with the schedule that it names by its file, relative to the search file. */
async function withSchedule(document: Document.Parsed, folder: string): Promise<Document.Parsed> {
  const path: unknown = isMap(document.contents) ? document.get("schedule") : undefined;
  if (typeof path !== "string" || path === "") return document;
  const text = await readText(resolve(folder, path), "schedule");
  document.set("schedule", parseText(text, path).toJS());
  return document;
}

function readSearchText(text: string, name: string): SearchReading {
  return readDocument(parseText(text, name), name);
}

/** YAML 1.2 holds JSON, so that one reader reads both. */
function parseText(text: string, name: string): Document.Parsed {
  // UTF-16 read as UTF-8: a mark that is none, or a NUL beside every letter.
  if (text.startsWith("\ufffd\ufffd") || text.slice(0, 100).includes("\u0000")) {
    throw new RegulusError("invalid-argument", `${name}: the file is not UTF-8 (UTF-16?); save it as UTF-8`);
  }
  const documents = parseAllDocuments(text, { version: "1.2" });
  if (documents.length > 1) {
    throw new RegulusError(
      "invalid-argument",
      `${name}: saw ${counted(documents.length, "document")} (after ---), expected one search a file`,
    );
  }
  // Whole numbers as bigints: as numbers, those beyond 2^53 would be rounded before anyone could refuse them.
  const document = parseDocument(text, { prettyErrors: true, uniqueKeys: true, version: "1.2", intAsBigInt: true });
  if (document.errors.length > 0) {
    const lines = document.errors.slice(0, syntaxErrorsMax).map((error) => `${name}: ${error.message.trimEnd()}`);
    throw new RegulusError("invalid-argument", lines.join("\n"));
  }
  return document;
}

function readDocument(document: Document.Parsed, name: string): SearchReading {
  try {
    return readSearchDocument(document.toJS({ maxAliasCount: 100 }));
  } catch (thrown) {
    if (thrown instanceof ReferenceError)
      throw new RegulusError("invalid-argument", `${name}: ${thrown.message}`, { cause: thrown });
    throw thrown;
  }
}

async function readText(path: string, what = "search file"): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (thrown) {
    const error = RegulusError.from(thrown);
    const words = error.code === "not-found" ? "no such file" : error.message;
    throw new RegulusError(error.code, `${what} ${path}: ${words}`, { cause: thrown });
  }
  return checkSize(bytes, path);
}

async function readInput(): Promise<string> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of process.stdin) {
    pieces.push(Buffer.from(piece));
    size += pieces.at(-1)?.length ?? 0;
    if (size > limits.messageBytesMax) break;
  }
  return checkSize(Buffer.concat(pieces), "standard input");
}

function checkSize(bytes: Buffer, name: string): string {
  if (bytes.length <= limits.messageBytesMax) return bytes.toString("utf8");
  const problem = { field: name, seen: `more than ${limits.messageBytesMax} bytes`, expected: "a search file with less in it" };
  throw RegulusError.invalid([problem]);
}
