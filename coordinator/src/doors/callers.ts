/**
 * The identity of a caller: with TLS the subject of the client's certificate, so that all connections of one holder are one caller; without it the
 * connection, since every program of a machine has the same address.
 */
import type { ServerInterceptingCallInterface } from "@grpc/grpc-js";

/** What calls of every kind tell of their other side. */
export type CallingSide = Pick<ServerInterceptingCallInterface, "getPeer" | "getAuthContext">;

/** Names by connection, since reading a certificate costs more than most calls. */
const known = new WeakMap<object, string>();

/** The caller's name. `connection` stands for the connection where it is known. */
export function callerOf(call: CallingSide, connection?: object): string {
  const found = connection === undefined ? undefined : known.get(connection);
  if (found !== undefined) return found;
  const caller = nameOf(call);
  if (connection !== undefined) known.set(connection, caller);
  return caller;
}

/**
 * The caller's name as it stays over its connections, for what outlives them. Without TLS all programs of the machine are one, since each can open as
 * many connections as it likes.
 */
export function lastingCallerOf(call: CallingSide): string {
  return holderOf(call) ?? "the programs of this machine";
}

function nameOf(call: CallingSide): string {
  return holderOf(call) ?? call.getPeer();
}

/** The holder of the client's certificate. */
function holderOf(call: CallingSide): string | undefined {
  const certificate = call.getAuthContext().sslPeerCertificate;
  if (certificate === undefined) return undefined;
  const { CN } = certificate.subject;
  return typeof CN === "string" && CN !== "" ? `CN=${CN}` : certificate.fingerprint256;
}
