/** Texts of several lines, such as tracebacks, as they were given: line breaks and indentation stay, what a terminal would obey does not. */
import { withoutSequences } from "./escape-sequences.js";

/** Lines of one message: the first, which says what happened, and the last ones, where a traceback says why. */
const linesMax = 12;
const lineCharactersMax = 400;

/** The lines of a message, indented by two. The middle of a long one is left out. */
export function messageLines(message: string): string[] {
  const lines = givenLines(message, lineCharactersMax);
  const cut = lines.length > linesMax ? [lines[0] ?? "", "…", ...lines.slice(2 - linesMax)] : lines;
  return cut.map((line) => `  ${line}`.trimEnd());
}

/** Every line of a text, without blank ones at its beginning and end. */
export function givenLines(text: string, charactersMax = 4096): string[] {
  const lines = text.split(/\r\n|\n|\r/).map((line) => givenLine(line, charactersMax));
  const first = lines.findIndex((line) => line !== "");
  return first < 0 ? [] : lines.slice(first, lines.findLastIndex((line) => line !== "") + 1);
}

function givenLine(line: string, charactersMax: number): string {
  const safe = withoutSequences(line)
    .replace(/[\p{Cc}\p{Bidi_Control}]/gu, (character) => (character === "\t" ? character : ""))
    .trimEnd();
  const characters = [...safe];
  return characters.length <= charactersMax ? safe : `${characters.slice(0, charactersMax - 1).join("")}…`;
}
