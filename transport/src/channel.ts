/** The caller's side of a connection: what every channel to a coordinator has in common, and credentials from PEM bytes or from the files that flags name. */
import { type ChannelCredentials, type ChannelOptions, credentials } from "@grpc/grpc-js";
import { limits, RegulusError } from "@regulus/proto";
import { type Looked, readAuthority, readKeyPair } from "./doors/tls-files.js";

/** Certificates in PEM. */
export interface Pem {
  /** Authority that signed the coordinator's certificate; the machine's own ones where absent. */
  readonly ca?: Uint8Array | undefined;
  /** The caller's own certificate and key, where the coordinator asks for one. */
  readonly cert?: Uint8Array | undefined;
  readonly key?: Uint8Array | undefined;
}

/** Paths of the same, as --tls-ca, --tls-cert and --tls-key name them. */
export interface PemFiles {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** Settings of every channel. */
export const commonChannelOptions = {
  "grpc.max_receive_message_length": limits.messageBytesMax,
  "grpc.max_send_message_length": limits.messageBytesMax,
  // A coordinator restarts in well under a second.
  "grpc.initial_reconnect_backoff_ms": 100,
  // A leader that a name is moved to is found within seconds; 30 s is the default.
  "grpc.dns_min_time_between_resolutions_ms": 1000,
} satisfies ChannelOptions;

/** Credentials of a channel; plain text without certificates. Fails with "invalid-argument" where they can't be used. */
export function channelCredentials(pem: Pem | undefined): ChannelCredentials {
  if (pem === undefined) return credentials.createInsecure();
  const buffer = (bytes: Uint8Array | undefined) => (bytes === undefined ? null : Buffer.from(bytes));
  if ((pem.cert === undefined) !== (pem.key === undefined)) {
    const seen = pem.cert === undefined ? "a key without a certificate" : "a certificate without a key";
    throw RegulusError.invalid([{ field: "tls", seen, expected: "both or neither" }]);
  }
  try {
    return credentials.createSsl(buffer(pem.ca), buffer(pem.key), buffer(pem.cert));
  } catch (cause) {
    throw new RegulusError("invalid-argument", `tls: ${String(cause)}; expected certificates and a key in PEM`, { cause });
  }
}

/** Reads the files; undefined where none is named. Fails as the readers of each file do, and where one of a pair is missing. */
export function readPemFiles({ ca, cert, key }: PemFiles, nowMs: number): Looked<Pem | undefined> {
  if ((cert === undefined) !== (key === undefined)) {
    const missing = cert === undefined ? "--tls-cert" : "--tls-key";
    throw new RegulusError("invalid-argument", `--tls-cert and --tls-key go together; missing: ${missing}`);
  }
  const authority = ca === undefined ? undefined : readAuthority({ flag: "--tls-ca", path: ca }, nowMs);
  const own =
    cert === undefined || key === undefined
      ? undefined
      : readKeyPair({ flag: "--tls-cert", path: cert }, { flag: "--tls-key", path: key }, nowMs);
  const warnings = [...(authority?.warnings ?? []), ...(own?.warnings ?? [])];
  if (authority === undefined && own === undefined) return { value: undefined, warnings };
  return { value: { ca: authority?.value, cert: own?.value.cert, key: own?.value.key }, warnings };
}
