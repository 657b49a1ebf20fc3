/** Words that a PNG file brings along: its description, line by line. Source: ISO/IEC 15948, 11.3.3.3 (tEXt). Reads pictures of strangers, so it trusts nothing. */

const signatureBytes = 8;
const keyword = "Description\0";
/** Lines, and characters of one, that are read. */
const linesMax = 64;
const charactersMax = 200;

/** The lines of a picture's description; none where it has none. */
export function pngDescription(bytes: Uint8Array): readonly string[] {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = signatureBytes; at + 8 <= file.length; ) {
    const length = file.readUInt32BE(at);
    const content = file.subarray(at + 8, at + 8 + length);
    if (file.toString("latin1", at + 4, at + 8) === "tEXt" && content.toString("latin1").startsWith(keyword)) {
      const lines = content.toString("latin1", keyword.length).split("\n").slice(0, linesMax);
      return lines.map((line) => line.slice(0, charactersMax)).filter((line) => line !== "");
    }
    // Length, type, content, check sum.
    at += 12 + length;
  }
  return [];
}
