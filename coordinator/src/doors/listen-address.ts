/**
 * Where a listener may listen. Loopback needs nothing; any other address needs TLS with a certificate, a key and the authority that
 * signs the certificates of clients (mutual TLS: nobody gets in without credentials). Decision 0010.
 */
import { readFileSync } from "node:fs";
import { isIPv4, isIPv6 } from "node:net";
import { RegulusError } from "@regulus/proto";

/** An address to listen on. */
export interface ListenAddress {
  /** Host name or IP address, without brackets. */
  readonly host: string;
  /** TCP port; 0 for a free one. */
  readonly port: number;
}

/** Files of mutual TLS, PEM. */
export interface TlsFiles {
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly clientCa?: string | undefined;
}

/** What mutual TLS needs: PEM bytes. */
export interface TlsMaterial {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly clientCa: Buffer;
}

/** Reads `127.0.0.1:7711`, `localhost:0` or `[::1]:7711`. */
export function parseListenAddress(flag: string, text: string): ListenAddress {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535 || (match?.[1] !== undefined && !isIPv6(host))) {
    throw new RegulusError(
      "invalid-argument",
      `${flag}: saw "${text}", expected HOST:PORT such as 127.0.0.1:7711 or [::1]:7711; port 0 takes a free one`,
    );
  }
  return { host, port };
}

/** `host:port` as a client writes it. */
export const formatAddress = ({ host, port }: ListenAddress): string => (isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`);

/** Whether only programs of this machine can reach an address. */
export const isLoopback = (host: string): boolean =>
  host === "localhost" || (isIPv4(host) && host.startsWith("127.")) || (isIPv6(host) && /^(0{0,4}:){1,7}0{0,3}1$/.test(host));

/** The files of mutual TLS; undefined where none was named. Fails where only some were named or one can't be read. */
export function readTls(files: TlsFiles): TlsMaterial | undefined {
  const named = { "--tls-cert": files.cert, "--tls-key": files.key, "--tls-client-ca": files.clientCa };
  const missing = Object.entries(named).filter(([, path]) => path === undefined);
  if (missing.length === 3) return undefined;
  if (missing.length > 0) {
    throw new RegulusError(
      "invalid-argument",
      `TLS needs --tls-cert, --tls-key and --tls-client-ca together; missing: ${missing.map(([flag]) => flag).join(", ")}`,
    );
  }
  const read = (flag: string, path: string | undefined): Buffer => {
    try {
      return readFileSync(path ?? "");
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new RegulusError("invalid-argument", `${flag}: can't read ${path}: ${why}`, { cause });
    }
  };
  return {
    cert: read("--tls-cert", files.cert),
    key: read("--tls-key", files.key),
    clientCa: read("--tls-client-ca", files.clientCa),
  };
}

/** Refuses an address that other machines can reach unless TLS with client certificates is there. */
export function assertMayListen(flag: string, address: ListenAddress, tls: TlsMaterial | undefined): void {
  if (isLoopback(address.host) || tls !== undefined) return;
  throw new RegulusError(
    "failed-precondition",
    `${flag} ${formatAddress(address)}: other machines can reach this address, so it needs TLS with client certificates: ` +
      "give --tls-cert, --tls-key and --tls-client-ca, or listen on 127.0.0.1",
  );
}

/** The error for a failure to listen, in words that tell what to do. */
export function listenFailure(flag: string, address: ListenAddress, cause: unknown): RegulusError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const at = formatAddress(address);
  if (why.includes("EADDRINUSE")) {
    return new RegulusError(
      "unavailable",
      `${flag}: port ${address.port} at ${address.host} is in use by another program; stop that one (a coordinator that still runs?) ` +
        `or choose another port with ${flag} ${formatAddress({ host: address.host, port: 0 })} (0 takes a free one)`,
      { cause },
    );
  }
  if (why.includes("EACCES")) {
    return new RegulusError("permission-denied", `${flag}: no permission to listen on ${at}; choose a port above 1023`, {
      cause,
    });
  }
  return new RegulusError("unavailable", `${flag}: can't listen on ${at}: ${why}`, { cause });
}
