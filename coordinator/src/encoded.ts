/**
 * Messages as bytes, by one writer whose buffer is used again and again: for messages of some hundred bytes a buffer of its own, grown
 * step by step, costs as much as the encoding.
 */

/** What writes a message's fields. */
interface Writer {
  /** The bytes written so far; the writer begins anew. */
  finish(): Uint8Array;
}

/** The generated part of a message that encodes it. */
interface Encoding<Message, W extends Writer> {
  encode(message: Message, writer?: W): W;
}

/** Makes a function that encodes messages of one kind. */
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
