/** A file read in pieces. It is opened for each: a source that is never closed leaves nothing open, and pieces are large. */
import { open, stat } from "node:fs/promises";
import type { ByteSource } from "@regulus/algorithms/predictions";
import { counted, RegulusError } from "@regulus/proto";

export async function fileSource(path: string): Promise<ByteSource> {
  const { size } = await stat(path);
  return {
    size,
    async read(from, length) {
      const bytes = new Uint8Array(length);
      const file = await open(path, "r");
      try {
        const { bytesRead } = await file.read(bytes, 0, length, from);
        if (bytesRead === length) return bytes;
        throw new RegulusError("data-loss", `${path}: saw ${counted(size, "byte")}, expected ${length} from byte ${from} on`);
      } finally {
        await file.close();
      }
    },
  };
}
