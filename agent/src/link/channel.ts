/**
 * The way to the coordinator: TLS files and channel settings. The agent always calls out, so it works behind NAT; pings keep the way open.
 */
import type { ChannelCredentials, ChannelOptions } from "@grpc/grpc-js";
import { RegulusError } from "@regulus/proto";
import {
  commonChannelOptions,
  channelCredentials as credentialsOf,
  type Looked,
  MutualTls,
  readPemFiles,
} from "@regulus/transport";
import type { Logger } from "pino";

/** PEM files. */
export interface TlsFiles {
  /** Certificate authority of the coordinator; absent for a plain connection. */
  readonly ca?: string;
  /** The agent's own certificate and key, where the coordinator asks for one. */
  readonly cert?: string;
  readonly key?: string;
}

/** Channel settings of every call to the coordinator. */
export const channelOptions: ChannelOptions = {
  ...commonChannelOptions,
  // NATs forget a silent connection after a minute or more; a dead one shows after 15 s.
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 5000,
  // The link has a backoff of its own; the channel's must not add to it.
  "grpc.max_reconnect_backoff_ms": 1000,
  // Nothing of ours is told in TXT records.
  "grpc.service_config_disable_resolution": 1,
};

/** Settings of the agent's stream: each connection is new, so that its name is looked up again and no dead address is waited for. */
export const streamOptions: ChannelOptions = { ...channelOptions, "grpc.use_local_subchannel_pool": 1 };

/** Credentials from files. Fails with "invalid-argument" where one of a pair is missing, with "failed-precondition" where a file can't be used. */
export function channelCredentials(tls: TlsFiles): ChannelCredentials {
  return readCredentials(tls).value;
}

/** The agent's credentials, read again at every connection: certificates are renewed beside a process that runs for months. */
export class OwnCredentials {
  #current: Looked<ChannelCredentials>;

  /** Fails as `channelCredentials` does. */
  readonly #tls: TlsFiles;
  readonly #log: Logger;

  constructor(tls: TlsFiles, log: Logger) {
    this.#tls = tls;
    this.#log = log;
    this.#current = readCredentials(tls);
    this.#warn();
  }

  /** As the files are now; as they were where they can't be used now, which is logged. */
  fresh(): ChannelCredentials {
    if (this.#tls.ca === undefined) return this.#current.value;
    try {
      this.#current = readCredentials(this.#tls);
      this.#warn();
    } catch (thrown) {
      this.#log.error(`TLS files can't be used; the old ones stay in use: ${RegulusError.from(thrown).message}`);
    }
    return this.#current.value;
  }

  #warn(): void {
    for (const warning of this.#current.warnings) this.#log.warn(warning);
  }
}

function readCredentials(tls: TlsFiles): Looked<ChannelCredentials> {
  const { value, warnings } = readPemFiles(tls, Date.now());
  if (value !== undefined && value.ca === undefined) {
    throw new RegulusError("invalid-argument", "--tls-cert was given without --tls-ca: name the coordinator's authority too");
  }
  return { value: credentialsOf(value), warnings };
}

/** The same files for a page that other machines read; undefined where one is missing. */
export function pageTls(tls: TlsFiles): MutualTls | undefined {
  const { ca, cert, key } = tls;
  if (ca === undefined || cert === undefined || key === undefined) return undefined;
  const files = {
    cert: { flag: "--tls-cert", path: cert },
    key: { flag: "--tls-key", path: key },
    clientCa: { flag: "--tls-ca", path: ca },
  };
  return new MutualTls(files, Date.now());
}
