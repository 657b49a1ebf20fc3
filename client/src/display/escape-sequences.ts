/** Escape sequences of terminals, found in texts of strangers so that none of them reaches a terminal. */

// biome-ignore-start lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
/** Sequences by their kinds: CSI (ESC [ ...), strings such as titles and links (OSC, DCS, SOS, PM, APC) to their end, and short ones. */
const sequences =
  /(?:\u001b\[|\u009b)[\u0030-\u003f]*[\u0020-\u002f]*[\u0040-\u007e]?|(?:\u001b[\]P^_X]|[\u009d\u0090\u0098\u009e\u009f])[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?|\u001b[\u0020-\u002f]*[\u0030-\u007e]?/g;
// biome-ignore-end lint/suspicious/noControlCharactersInRegex: as above.

/** A text without escape sequences. Whatever begins one is taken out also where nothing follows, so no two halves can join. */
export function withoutSequences(text: string): string {
  return text.replace(sequences, "");
}
