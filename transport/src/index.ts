/** Communication between the processes of Regulus: gRPC services and clients, errors on the wire, TLS, addresses, waits between tries, who holds a folder. Runs on Node. */

// For other packages.

export * from "./backoff.js";
export { channelCredentials, commonChannelOptions, type Pem, type PemFiles, readPemFiles } from "./channel.js";
export * from "./doors/listen-address.js";
export { MutualTls, type MutualTlsFiles, namedTlsFiles, type TlsMaterial } from "./doors/mutual-tls.js";
export { type OperatorPage, startOperatorPage } from "./doors/operator-page.js";
export { type KeyPair, type Looked, type NamedFile, readAuthority, readKeyPair } from "./doors/tls-files.js";
export * from "./gen/regulus/v1/agent_service.js";
export * from "./gen/regulus/v1/artifact_service.js";
export * from "./gen/regulus/v1/search_service.js";
export { type Holder, holderWords, livingHolder } from "./holder.js";
export { richStatusTrailer } from "./rich-status.js";
export { type GrpcStatus, toStatus } from "./status.js";
