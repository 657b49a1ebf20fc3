/** How a command finds its coordinator: options that every such command has, and the connection that they ask for. */
import { readFileSync } from "node:fs";
import { defaults, RegulusError } from "@regulus/proto";
import { type Command, Option } from "commander";
import { connect, type RegulusClient } from "../connect.js";

/** Options of a command that talks to a coordinator. */
export interface ConnectionOptions {
  readonly coordinator: string;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  /** Results as JSON. */
  readonly json?: boolean;
}

/** Adds them to a command. */
export function withConnection(command: Command): Command {
  return withJson(command)
    .addOption(
      new Option("-c, --coordinator <host:port>", "where the coordinator listens")
        .env("REGULUS_COORDINATOR")
        .default(defaults.address),
    )
    .addOption(
      new Option("--tls-ca <file>", "authority that signed the coordinator's certificate (PEM); turns TLS on").env(
        "REGULUS_TLS_CA",
      ),
    )
    .addOption(new Option("--tls-cert <file>", "the client's certificate (PEM)").env("REGULUS_TLS_CERT"))
    .addOption(new Option("--tls-key <file>", "key of the client's certificate (PEM)").env("REGULUS_TLS_KEY"));
}

/** Adds `--json` alone. */
export function withJson(command: Command): Command {
  return command.option("--json", "write the result as JSON");
}

/** Does something with a connection and closes it, whatever happens. Failures to connect say where and what to do. */
export async function withClient<Result>(
  options: ConnectionOptions,
  work: (client: RegulusClient) => Promise<Result>,
): Promise<Result> {
  const { tlsCa, tlsCert, tlsKey } = options;
  const tls = tlsCa ?? tlsCert ?? tlsKey;
  const client = connect(
    options.coordinator,
    tls === undefined ? {} : { tls: { ca: readPem(tlsCa), cert: readPem(tlsCert), key: readPem(tlsKey) } },
  );
  try {
    return await work(client);
  } catch (thrown) {
    const error = RegulusError.from(thrown);
    if (error.code !== "unavailable") throw error;
    const advice = `start one with \`regulus up\`, or name another one with --coordinator${tls === undefined ? "; one that is not on this machine needs --tls-ca" : ""}`;
    throw new RegulusError(
      "unavailable",
      `no coordinator answers at ${options.coordinator} (${reasonOf(error.message)}); ${advice}`,
      {
        cause: error,
      },
    );
  } finally {
    client.close();
  }
}

function readPem(file: string | undefined): Uint8Array | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file);
  } catch (thrown) {
    const error = RegulusError.from(thrown);
    throw new RegulusError(error.code, `certificate or key: ${error.message}`, { cause: thrown });
  }
}

/** Why a connection failed, in few words. gRPC wraps what the operating system said in sentences of its own. */
export function reasonOf(text: string): string {
  const [first = ""] = text.split("\n", 1);
  return /connect (E[A-Z]+ [^\s]+?)\.?(?:\s|$)/.exec(first)?.[1] ?? first.replace(/ ?Resolution note: $/, "");
}
