/**
 * Text into HTML without a way for a name to become markup: a template tag that escapes everything put into it but its own results,
 * and JSON that can stand inside a script element.
 */

/** Markup that was made by `html`, hence safe to put into other markup. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What may stand in a template: text and numbers are escaped, markup and lists of it are not, undefined and false are nothing. */
export type Content = Html | string | number | undefined | false | readonly Content[];

/** Template tag: html`<b>${name}</b>`. Attributes must be quoted. */
export function html(strings: TemplateStringsArray, ...contents: readonly Content[]): Html {
  return new Html(strings.map((string, index) => string + (index < contents.length ? render(contents[index]) : "")).join(""));
}

/** A name as it was given, with places where a line may break: before a capital, after a separator, and in pieces that are very long. */
export function breakable(name: string): Html {
  const pieces = name.split(/(?<=[a-z0-9])(?=[A-Z])|(?<=[_/.:-])/).flatMap((piece) => piece.match(/.{1,12}/gsu) ?? []);
  return new Html(pieces.map(escapeText).join("<wbr>"));
}

/** Text with its five special characters escaped, for elements and quoted attributes. */
export function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** JSON for a script element: no character of it can end the element, and no line separator breaks a parser. Not finite numbers are null. */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function render(content: Content): string {
  if (content === undefined || content === false) return "";
  if (content instanceof Html) return content.text;
  if (typeof content === "string" || typeof content === "number") return escapeText(String(content));
  return content.map(render).join("");
}
