/** Bytes that lie elsewhere and are read in pieces: a file of an agent, or bytes in memory. */
import { counted, RegulusError } from "@regulus/proto";

export interface ByteSource {
  /** Bytes in all. */
  readonly size: number;
  /** Exactly `length` bytes from a place on. Fails where there are fewer. */
  read(from: number, length: number): Promise<Uint8Array>;
}

/** Bytes in memory as a source. */
export function bytesSource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    async read(from, length) {
      if (from < 0 || from + length > bytes.length) {
        throw new RegulusError("data-loss", `saw ${counted(bytes.length, "byte")}, expected ${length} from byte ${from} on`);
      }
      return bytes.subarray(from, from + length);
    },
  };
}
