/**
 * The signature of a failure, equal for failures of the same kind: the message without what changes from trial to trial. Folders of paths,
 * numbers, hexadecimal addresses and ids, times and random names of temporary files are left out.
 */

/** Characters of a message that are compared: its beginning says what failed. */
const charactersMax = 2000;

const parts: readonly (readonly [RegExp, string])[] = [
  // Absolute paths keep their last part, so that a scratch folder of the trial's own makes no difference.
  [/(?:[A-Za-z]:)?(?:[\\/][^\s\\/:'"`,;()[\]<>]+)+[\\/]/g, "/"],
  [/\b(?:tmp|temp)[A-Za-z0-9_]{4,}/g, "tmp#"],
  [/\b0x[0-9a-f]+\b/gi, "#"],
  [/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi, "#"],
  [/\b(?=[a-f]*\d)[0-9a-f]{8,}\b/gi, "#"],
  // Random endings of made names, such as regulus-x8Jf2k.
  [/-(?=[A-Za-z0-9]*\d)(?=[A-Za-z0-9]*[A-Za-z])[A-Za-z0-9]{6}\b/g, "-#"],
  [/[-+]?\d+(?:[.:,]\d+)*(?:[eE][-+]?\d+)?/g, "#"],
  [/#(?:[-T:.#]#?)*Z?/g, "#"],
  [/\s+/g, " "],
];

/** The same text for failures of one reason that failed in the same way. */
export function failureSignature(reason: string, message: string): string {
  const cut = message.slice(0, charactersMax);
  return `${reason} ${parts.reduce((text, [pattern, instead]) => text.replace(pattern, instead), cut).trim()}`;
}
