/**
 * Mutual TLS of a listener: its certificate, its key, and the authority that signs the certificates of those who may come in. The files
 * can be read again while the process runs; listeners are told, and a set that can't be used leaves the old one in place.
 */
import { RegulusError } from "@regulus/proto";
import { type KeyPair, type Looked, type NamedFile, readAuthority, readKeyPair } from "./tls-files.js";

/** The three files. */
export interface MutualTlsFiles {
  readonly cert: NamedFile;
  readonly key: NamedFile;
  readonly clientCa: NamedFile;
}

/** What they hold: PEM bytes. */
export interface TlsMaterial extends KeyPair {
  readonly clientCa: Buffer;
}

/** The files that flags name; undefined where none was given. Fails with "invalid-argument" where only some were. */
export function namedTlsFiles(files: Readonly<Record<keyof MutualTlsFiles, Partial<NamedFile>>>): MutualTlsFiles | undefined {
  const all = Object.values(files);
  const missing = all.filter(({ path }) => path === undefined);
  const file = ({ flag = "", path = "" }: Partial<NamedFile>): NamedFile => ({ flag, path });
  if (missing.length === 0) return { cert: file(files.cert), key: file(files.key), clientCa: file(files.clientCa) };
  if (missing.length === all.length) return undefined;
  const flags = all.map(({ flag }) => flag);
  throw new RegulusError(
    "invalid-argument",
    `TLS needs ${flags.slice(0, -1).join(", ")} and ${flags.at(-1)} together; missing: ${missing.map(({ flag }) => flag).join(", ")}`,
  );
}

/** The material in force. */
export class MutualTls {
  readonly #files: MutualTlsFiles;
  readonly #followers = new Set<(material: TlsMaterial) => void>();
  #current: Looked<TlsMaterial>;

  /** Fails with "failed-precondition" where a file can't be used. */
  constructor(files: MutualTlsFiles, nowMs: number) {
    this.#files = files;
    this.#current = readAll(files, nowMs);
  }

  get material(): TlsMaterial {
    return this.#current.value;
  }

  /** What is odd about the material in force: expired, about to expire, a key where none belongs. */
  get warnings(): readonly string[] {
    return this.#current.warnings;
  }

  /** Reads the files again and tells followers. Fails as the constructor does, and changes nothing then. */
  reload(nowMs: number): void {
    this.#current = readAll(this.#files, nowMs);
    for (const follow of this.#followers) follow(this.material);
  }

  /** Calls with the material of now and of every reload; answers what ends that. */
  follow(call: (material: TlsMaterial) => void): () => void {
    this.#followers.add(call);
    call(this.material);
    return () => this.#followers.delete(call);
  }
}

function readAll(files: MutualTlsFiles, nowMs: number): Looked<TlsMaterial> {
  const pair = readKeyPair(files.cert, files.key, nowMs);
  const authority = readAuthority(files.clientCa, nowMs);
  return { value: { ...pair.value, clientCa: authority.value }, warnings: [...pair.warnings, ...authority.warnings] };
}
