/**
 * Says in the log who could not come in by TLS, and what was wrong with the certificate: a caller only hears that the connection broke. At most
 * so many lines in a minute, since anybody can knock.
 */
import type { Server as NetServer } from "node:net";
import { TLSSocket } from "node:tls";
import type { Logger } from "pino";

/** Lines in one minute; further ones are counted. */
const linesMax = 20;
const minuteMs = 60_000;

/** What verification calls its failures, in words. Others are told as they are. */
const reasons: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "its certificate has expired",
  CERT_NOT_YET_VALID: "its certificate is not valid yet",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is self-signed, not signed by --tls-client-ca",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate's authority is not --tls-client-ca",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate is not signed by --tls-client-ca",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its certificate is not signed by --tls-client-ca",
  UNABLE_TO_GET_ISSUER_CERT: "it sent no certificate, or one that is not signed by --tls-client-ca",
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: "it sent no certificate",
  ERR_SSL_HTTP_REQUEST: "it spoke plain HTTP/1, not TLS",
  ERR_SSL_WRONG_VERSION_NUMBER: "it did not speak TLS",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "it did not speak TLS",
  ECONNRESET: "it hung up in the handshake",
};

/** Logs the handshakes that a listener refuses, at info. */
export function logRefusedHandshakes(listener: NetServer, log: Logger, nowMs: () => number = () => performance.now()): void {
  let [sinceMs, lines] = [nowMs(), 0];
  listener.on("tlsClientError", (error: Error & { readonly code?: string }, socket: unknown) => {
    if (nowMs() - sinceMs >= minuteMs) {
      if (lines > linesMax) log.info({ refused: lines - linesMax }, "further TLS handshakes were refused in the last minute");
      [sinceMs, lines] = [nowMs(), 0];
    }
    lines += 1;
    if (lines > linesMax) return;
    const failed = socket instanceof TLSSocket ? socket.authorizationError : undefined;
    const code = failed ? String(failed) : (error.code ?? "");
    const peer = socket instanceof TLSSocket ? `${socket.remoteAddress ?? "gone"}` : "unknown";
    log.info({ peer, code, reason: reasons[code] ?? error.message }, "a TLS handshake was refused");
  });
}
