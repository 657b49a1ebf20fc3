/**
 * Where a listener may listen, the one rule for every door of every process. Loopback needs nothing; any other address needs TLS with a
 * certificate, a key and the authority that signs the certificates of clients (mutual TLS: nobody gets in without credentials). Decisions
 * 0010 and 0028.
 */
import { isIPv4, isIPv6 } from "node:net";
import { RegulusError } from "@regulus/proto";

/** An address to listen on. */
export interface ListenAddress {
  /** Host name or IP address, without brackets. */
  readonly host: string;
  /** TCP port; 0 for a free one. */
  readonly port: number;
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

/** Refuses an address that other machines can reach unless mutual TLS is there. `flags` are those that would turn it on. */
export function assertMayListen(flag: string, address: ListenAddress, mutualTls: boolean, flags: string): void {
  if (isLoopback(address.host) || mutualTls) return;
  throw new RegulusError(
    "failed-precondition",
    `${flag} ${formatAddress(address)}: other machines can reach this address, so it needs TLS with client certificates: ` +
      `give ${flags}, or listen on 127.0.0.1`,
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
