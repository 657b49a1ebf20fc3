/**
 * Messages as bytes, by one writer whose buffer is used again and again: for messages of some hundred bytes a buffer of its own, grown
 * step by step, costs as much as the encoding.
 */

/** Bytes of messages in one buffer, past which it is not kept for the next ones. */
const keptBytesMax = 1024 * 1024;

/** What writes a message's fields. */
interface Writer {
  /** The bytes written so far; the writer begins anew. */
  finish(): Uint8Array<ArrayBuffer>;
}

/** One that writes messages after each other. */
interface PartsWriter extends Writer {
  /** Begins a part, which its length comes before. */
  fork(): this;
  join(): this;
  fixed32(value: number): this;
}

/** The generated part of a message that encodes it. */
interface Encoding<Message, W extends Writer> {
  encode(message: Message, writer?: W): W;
}

/** Makes a function that encodes a message of one kind. */
export function encoderOf<Message, W extends Writer>(encoding: Encoding<Message, W>): (message: Message) => Uint8Array {
  let kept: W | undefined;
  return (message) => {
    // A message that can't be encoded leaves its beginning in the writer, which is then not used again.
    const writer = kept;
    kept = undefined;
    const written = writer === undefined ? encoding.encode(message) : encoding.encode(message, writer);
    const bytes = written.finish();
    kept = written;
    return bytes;
  };
}

/**
 * Makes a function that encodes many messages of one kind into one buffer, each after `room` words of 32 bits, which are zero. To make a buffer
 * for each costs more than to encode it.
 */
export function partsEncoderOf<Message, W extends PartsWriter>(
  encoding: Encoding<Message, W>,
  room: number,
): (messages: readonly Message[]) => readonly Uint8Array[] {
  let kept: W | undefined;
  return (messages) => {
    const [first] = messages;
    if (first === undefined) return [];
    const writer = kept ?? begun(encoding, first);
    // As above: one with a beginning in it is not used again.
    kept = undefined;
    for (const message of messages) {
      writer.fork();
      for (let word = 0; word < room; word += 1) writer.fixed32(0);
      encoding.encode(message, writer).join();
    }
    const bytes = writer.finish();
    if (bytes.length <= keptBytesMax) kept = writer;
    return partsOf(bytes, messages.length);
  };
}

/** A writer with nothing in it. The generated code makes one where it is given none. */
function begun<Message, W extends Writer>(encoding: Encoding<Message, W>, message: Message): W {
  const writer = encoding.encode(message);
  writer.finish();
  return writer;
}

/** The parts of bytes, each of which its length comes before. */
function partsOf(bytes: Uint8Array<ArrayBuffer>, count: number): readonly Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; parts.length < count; ) {
    let length = 0;
    for (let shift = 0, more = true; more; shift += 7) {
      const byte = bytes[at] ?? 0;
      length |= (byte & 0x7f) << shift;
      more = byte > 0x7f;
      at += 1;
    }
    parts.push(bytes.subarray(at, at + length));
    at += length;
  }
  return parts;
}
