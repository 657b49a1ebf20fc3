/**
 * The gRPC server's TLS: its certificates are replaced while it runs, and a caller whose certificate has expired is let go. TLS itself looks
 * at a certificate once, when a connection begins; an agent's lasts for months.
 */
import { experimental, ServerCredentials, ServerInterceptingCall, type ServerInterceptor, status } from "@grpc/grpc-js";
import { limits } from "@regulus/proto";
import type { MutualTls, TlsMaterial } from "@regulus/transport";

/** The flags that turn TLS on, for messages. */
export const tlsFlags = "--tls-cert, --tls-key and --tls-client-ca";

/** Credentials that follow what `tls` holds; plain ones without it. */
export function serverCredentials(tls: MutualTls | undefined): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure();
  const provider = certificateProvider(tls);
  return experimental.createCertificateProviderServerCredentials(provider, provider, true);
}

function certificateProvider(tls: MutualTls): experimental.CertificateProvider {
  const ends = new Map<unknown, () => void>();
  // Told a moment later: grpc-js passes on what it hears only once its own call to follow has returned.
  const follow = (listener: unknown, call: (material: TlsMaterial) => void): void => {
    ends.set(
      listener,
      tls.follow((material) => queueMicrotask(() => call(material))),
    );
  };
  const unfollow = (listener: unknown): void => {
    ends.get(listener)?.();
    ends.delete(listener);
  };
  return {
    addCaCertificateListener: (listener) => follow(listener, ({ clientCa }) => listener({ caCertificate: clientCa })),
    removeCaCertificateListener: unfollow,
    addIdentityCertificateListener: (listener) =>
      follow(listener, ({ cert, key }) => listener({ certificate: cert, privateKey: key })),
    removeIdentityCertificateListener: unfollow,
  };
}

/** Refuses calls of a caller whose certificate has expired, and ends its open streams when it does. */
export function expiredCertificates(nowMs: () => number): ServerInterceptor {
  return (_definition, call) => {
    const expiresMs = Date.parse(call.getAuthContext().sslPeerCertificate?.valid_to ?? "");
    if (Number.isNaN(expiresMs)) return new ServerInterceptingCall(call);
    let timer: NodeJS.Timeout | undefined;
    const refuse = (): void => {
      const details = `the caller's certificate expired at ${new Date(expiresMs).toISOString()}; use a new one`;
      call.sendStatus({ code: status.UNAUTHENTICATED, details });
    };
    const wait = (): void => {
      const leftMs = expiresMs - nowMs();
      if (leftMs <= 0) refuse();
      else timer = setTimeout(wait, Math.min(leftMs, limits.timerMsMax)).unref();
    };
    return new ServerInterceptingCall(call, {
      start: (next) => {
        if (expiresMs > nowMs()) {
          next({ onCancel: () => clearTimeout(timer) });
          wait();
          return;
        }
        // The handler hears nothing of the call.
        next({ onReceiveMetadata: () => undefined, onReceiveMessage: () => undefined, onReceiveHalfClose: () => undefined });
        refuse();
      },
      sendStatus: (answer, next) => {
        clearTimeout(timer);
        next(answer);
      },
    });
  };
}
