/** Connection options of commands, and the connection they open. */
import { defaults, RegulusError } from "@regulus/proto";
import { type Pem, readPemFiles } from "@regulus/transport";
import { type Command, Option } from "commander";
import { connect, type RegulusClient } from "../connect.js";
import { note } from "./output.js";

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
  const tls = readTls(options);
  const client = connect(options.coordinator, tls === undefined ? {} : { tls });
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

/** The TLS files that were named; undefined for none. What is odd about one is said on standard error. */
function readTls({ tlsCa, tlsCert, tlsKey }: ConnectionOptions): Pem | undefined {
  const { value, warnings } = readPemFiles({ ca: tlsCa, cert: tlsCert, key: tlsKey }, Date.now());
  for (const warning of warnings) note(`warning: ${warning}`);
  return value;
}

/** Why a connection failed, in few words. gRPC wraps what the operating system said in sentences of its own. */
export function reasonOf(text: string): string {
  const [first = ""] = text.split("\n", 1);
  return /connect (E[A-Z]+ [^\s]+?)\.?(?:\s|$)/.exec(first)?.[1] ?? first.replace(/ ?Resolution note: $/, "");
}
