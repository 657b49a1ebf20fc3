/** What every door of every process shares: where it may listen, its TLS files, and the page for operators. Runs on Node. */

// For other packages.

export * from "./listen-address.js";
export { MutualTls, type MutualTlsFiles, namedTlsFiles, type TlsMaterial } from "./mutual-tls.js";
export { type OperatorPage, startOperatorPage } from "./operator-page.js";
export { type KeyPair, type Looked, type NamedFile, readAuthority, readKeyPair } from "./tls-files.js";
