/** A certificate authority for tests, made by openssl in a folder of the test's own. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Files of a certificate. */
export interface IssuedFiles {
  readonly cert: string;
  readonly key: string;
}

const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

export class TestAuthority {
  /** The authority's certificate. */
  readonly ca: string;
  readonly caKey: string;
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(join(folder, "issued"), { recursive: true });
    this.ca = join(folder, "ca.pem");
    this.caKey = join(folder, "ca.key");
    openssl("req", "-x509", ...curve, "-keyout", this.caKey, "-out", this.ca, "-subj", "/CN=test authority", "-days", "2");
    writeFileSync(join(folder, "index"), "");
    writeFileSync(join(folder, "serial"), "01\n");
    writeFileSync(
      join(folder, "ca.conf"),
      [
        "[ca]\ndefault_ca = it\n[it]",
        `database = ${join(folder, "index")}\nserial = ${join(folder, "serial")}\nnew_certs_dir = ${join(folder, "issued")}`,
        `certificate = ${this.ca}\nprivate_key = ${this.caKey}`,
        "default_md = sha256\npolicy = any\nunique_subject = no\ncopy_extensions = copy\n[any]\ncommonName = supplied\n",
      ].join("\n"),
    );
  }

  /** A certificate for localhost and 127.0.0.1, valid from `fromMs` to `toMs` (milliseconds since 1970; an hour around now by default). */
  issue(name: string, { fromMs = Date.now() - 3_600_000, toMs = Date.now() + 3_600_000 } = {}): IssuedFiles {
    const at = (ending: string): string => join(this.#folder, `${name}.${ending}`);
    const names = "subjectAltName=DNS:localhost,IP:127.0.0.1";
    openssl("req", ...curve, "-keyout", at("key"), "-out", at("csr"), "-subj", `/CN=${name}`, "-addext", names);
    const time = (ms: number): string => new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, "");
    const dates = ["-startdate", time(fromMs), "-enddate", time(toMs)];
    openssl("ca", "-batch", "-notext", "-config", join(this.#folder, "ca.conf"), "-in", at("csr"), "-out", at("pem"), ...dates);
    return { cert: at("pem"), key: at("key") };
  }

  /** A copy of a key behind a passphrase. */
  encrypted(key: string): string {
    openssl("pkey", "-in", key, "-aes256", "-passout", "pass:word", "-out", `${key}.encrypted`);
    return `${key}.encrypted`;
  }
}

function openssl(...args: string[]): void {
  execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
}
