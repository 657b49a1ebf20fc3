/**
 * The way to the coordinator: TLS files and channel settings. The agent always calls out, so it works behind NAT; pings keep the way open.
 */
import { readFileSync } from "node:fs";
import { type ChannelCredentials, type ChannelOptions, credentials } from "@grpc/grpc-js";
import { limits, RegulusError } from "@regulus/proto";

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
  "grpc.max_receive_message_length": limits.messageBytesMax,
  "grpc.max_send_message_length": limits.messageBytesMax,
  // NATs forget a silent connection after a minute or more; a dead one shows after 15 s.
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 5000,
  // The link has a backoff of its own; the channel's must not add to it.
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1000,
  // A leader that a name is moved to is found within seconds; 30 s is the default.
  "grpc.dns_min_time_between_resolutions_ms": 1000,
  // Nothing of ours is told in TXT records.
  "grpc.service_config_disable_resolution": 1,
};

/** Settings of the agent's stream: each connection is new, so that its name is looked up again and no dead address is waited for. */
export const streamOptions: ChannelOptions = { ...channelOptions, "grpc.use_local_subchannel_pool": 1 };

/** Credentials from files. Fails with "invalid-argument" where a file can't be read or one of a pair is missing. */
export function channelCredentials(tls: TlsFiles): ChannelCredentials {
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    throw new RegulusError(
      "invalid-argument",
      "--tls-cert and --tls-key go together: saw only one of them, expected both or none",
    );
  }
  if (tls.ca === undefined) {
    if (tls.cert === undefined) return credentials.createInsecure();
    throw new RegulusError("invalid-argument", "--tls-cert was given without --tls-ca: name the coordinator's authority too");
  }
  return tls.cert === undefined || tls.key === undefined
    ? credentials.createSsl(pem(tls.ca))
    : credentials.createSsl(pem(tls.ca), pem(tls.key), pem(tls.cert));
}

function pem(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new RegulusError("invalid-argument", `can't read the TLS file ${path}: expected a PEM file`, { cause: error });
  }
}
