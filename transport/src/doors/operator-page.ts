/**
 * An HTTP listener for operators: metrics and health. Plain HTTP on loopback, where it answers only requests that name this machine, since a
 * web page in a browser can otherwise read it by a name of its own that resolves to loopback (DNS rebinding); on any other address HTTPS
 * that asks for a client certificate, like the gRPC door.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Server } from "node:net";
import { assertMayListen, formatAddress, isLoopback, type ListenAddress, listenFailure } from "./listen-address.js";
import type { MutualTls } from "./mutual-tls.js";

/** Time that a client has to send a request, and that a request may take. */
const requestWithinMs = 10_000;
/** Connections at once: a few Prometheus servers and people. */
const connectionsMax = 64;

/** What a path answers. */
export interface PageAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

export interface OperatorPageOptions {
  /** The flag that gave the address. */
  readonly flag: string;
  readonly listen: ListenAddress;
  /** Used on any address but loopback. */
  readonly tls?: MutualTls | undefined;
  /** The flags that would turn TLS on. */
  readonly tlsFlags: string;
  /** What each path answers. */
  readonly paths: Readonly<Record<string, () => PageAnswer | Promise<PageAnswer>>>;
  /** Told of what a path threw. */
  readonly onFailure: (thrown: unknown) => void;
}

/** A listener. */
export interface OperatorPage {
  /** `host:port`, with the port that was taken. */
  readonly address: string;
  close(): Promise<void>;
}

/** Starts the listener. Fails with a clear error where the address is refused or taken. */
export async function startOperatorPage(options: OperatorPageOptions): Promise<OperatorPage> {
  const { flag, listen, tls, tlsFlags } = options;
  assertMayListen(flag, listen, tls !== undefined, tlsFlags);
  const secure = isLoopback(listen.host) ? undefined : tls;
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    respond(options, secure !== undefined, request, response).catch((thrown: unknown) => {
      options.onFailure(thrown);
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  };
  const { server, stopFollowing } = secure === undefined ? plainServer(answer) : secureServer(secure, answer);
  server.maxConnections = connectionsMax;
  server.requestTimeout = requestWithinMs;
  server.headersTimeout = requestWithinMs;
  const port = await bind(server, flag, listen);
  return {
    address: formatAddress({ host: listen.host, port }),
    close: () =>
      new Promise((resolve) => {
        stopFollowing();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

function plainServer(answer: Answer) {
  return { server: createServer(answer), stopFollowing: () => undefined };
}

function secureServer(tls: MutualTls, answer: Answer) {
  const server = createTlsServer({ requestCert: true, rejectUnauthorized: true }, answer);
  const stopFollowing = tls.follow(({ cert, key, clientCa }) => server.setSecureContext({ cert, key, ca: clientCa }));
  return { server, stopFollowing };
}

function bind(server: Server, flag: string, listen: ListenAddress): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(listenFailure(flag, listen, error)));
    server.listen(listen.port, listen.host, () => {
      const bound = server.address();
      resolve(typeof bound === "object" && bound !== null ? bound.port : listen.port);
    });
  });
}

async function respond(
  options: OperatorPageOptions,
  secure: boolean,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const send = ({ status, type, body }: PageAnswer): void => {
    response.writeHead(status, { "content-type": type, "cache-control": "no-store", "x-content-type-options": "nosniff" });
    response.end(request.method === "HEAD" ? undefined : body);
  };
  const text = (status: number, body: string): void => send({ status, type: "text/plain; charset=utf-8", body: `${body}\n` });
  if (!secure && !namesThisMachine(request.headers.host)) {
    text(421, "this page answers requests for localhost or a loopback address only");
    return;
  }
  if (request.method !== "GET" && request.method !== "HEAD") {
    text(405, "only GET and HEAD");
    return;
  }
  const path = request.url?.split("?")[0] ?? "";
  const found = Object.hasOwn(options.paths, path) ? options.paths[path] : undefined;
  if (found === undefined) text(404, `here are ${Object.keys(options.paths).join(", ")}`);
  else send(await found());
}

/** Whether a Host header is a name of loopback, with any port: a port forwarded by a tunnel or a container is another one. */
function namesThisMachine(header: string | undefined): boolean {
  const host = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+))(?::\d{1,5})?$/.exec(header ?? "");
  return host !== null && isLoopback((host[1] ?? host[2] ?? "").toLowerCase());
}
