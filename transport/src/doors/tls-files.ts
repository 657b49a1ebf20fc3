/**
 * PEM files of TLS, read and looked at before anything relies on them: what is wrong with one is said in words that name the file and what
 * to do, since OpenSSL's own words ("no start line") help nobody.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { RegulusError } from "@regulus/proto";

/** Time before the end of a certificate from which on its owner is warned: two weeks. */
const expiresSoonMs = 14 * 86_400_000;

/** A file and the flag that named it. */
export interface NamedFile {
  readonly flag: string;
  readonly path: string;
}

/** A certificate with its key. */
export interface KeyPair {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** When the certificate ends, in milliseconds since 1970. */
  readonly expiresMs: number;
}

/** What was read, and what its owner should know. */
export interface Looked<T> {
  readonly value: T;
  readonly warnings: readonly string[];
}

/** Reads a certificate and its key. Fails with "failed-precondition" where they are not in PEM, encrypted or not a pair. */
export function readKeyPair(certFile: NamedFile, keyFile: NamedFile, nowMs: number): Looked<KeyPair> {
  const cert = read(certFile);
  const key = read(keyFile);
  const certificate = firstCertificate(certFile, cert);
  if (!certificate.checkPrivateKey(privateKey(keyFile, key))) {
    throw unusable(keyFile, `is not the key of the certificate ${certFile.path}`, "the key that the certificate was made with");
  }
  const expiresMs = Date.parse(certificate.validTo);
  return { value: { cert, key, expiresMs }, warnings: validity(certFile, certificate, nowMs) };
}

/** Reads the certificates of an authority. Fails with "failed-precondition" where the file holds none. */
export function readAuthority(file: NamedFile, nowMs: number): Looked<Buffer> {
  const pem = read(file);
  const certificate = firstCertificate(file, pem);
  const warnings = validity(file, certificate, nowMs);
  if (!certificate.ca)
    warnings.push(`${name(file)} is not a certificate authority (its CA flag is off): what it signed is refused`);
  if (holdsKey(pem)) {
    warnings.push(
      `${name(file)} holds a private key beside the certificate: a reader can sign certificates; name a file with the certificate alone`,
    );
  }
  return { value: pem, warnings };
}

function read(file: NamedFile): Buffer {
  try {
    return readFileSync(file.path);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new RegulusError("failed-precondition", `${file.flag}: can't read ${file.path}: ${why}`, { cause });
  }
}

function firstCertificate(file: NamedFile, pem: Buffer): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    const seen = holdsKey(pem) ? "holds a private key and no certificate" : "holds no certificate in PEM";
    throw unusable(file, seen, "a file with -----BEGIN CERTIFICATE-----", cause);
  }
}

function privateKey(file: NamedFile, pem: Buffer): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    if (/ENCRYPTED/.test(pem.toString("latin1"))) {
      throw unusable(file, "is encrypted", `one without a passphrase: openssl pkey -in ${file.path} -out PLAIN.key`, cause);
    }
    const seen = pem.includes("BEGIN CERTIFICATE") ? "holds a certificate and no key" : "holds no private key in PEM";
    throw unusable(file, seen, "a file with -----BEGIN PRIVATE KEY-----", cause);
  }
}

function validity(file: NamedFile, certificate: X509Certificate, nowMs: number): string[] {
  const from = Date.parse(certificate.validFrom);
  const to = Date.parse(certificate.validTo);
  const at = (ms: number): string => new Date(ms).toISOString();
  if (to <= nowMs) return [`${name(file)} expired at ${at(to)}: the other side refuses it; make a new one`];
  if (from > nowMs)
    return [`${name(file)} is not valid before ${at(from)}: the other side refuses it; check this machine's clock`];
  return to - nowMs < expiresSoonMs ? [`${name(file)} expires at ${at(to)}; make a new one`] : [];
}

function unusable(file: NamedFile, seen: string, expected: string, cause?: unknown): RegulusError {
  return new RegulusError("failed-precondition", `${name(file)} ${seen}; expected ${expected}`, { cause });
}

const name = (file: NamedFile): string => `${file.flag} ${file.path}`;

const holdsKey = (pem: Buffer): boolean => /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem.toString("latin1"));
