/**
 * A small coordinator for the client's tests: a real gRPC server with the generated services over searches in memory. It decides nothing;
 * a test puts searches, trials and facts into it, and failures where it wants them. The real coordinator is tried in `test/`.
 */
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { ArtifactServiceService, SearchServiceService } from "@regulus/transport";

import { KeptSearches } from "./kept-searches.js";
import { artifactService, searchService } from "./twin-services.js";

export class CoordinatorTwin extends KeptSearches {
  #server: Server | undefined;
  #port = 0;

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Listens on a free port, or again on the port that it had. */
  async start(): Promise<void> {
    const server = new Server();
    server.addService(SearchServiceService, searchService(this));
    server.addService(ArtifactServiceService, artifactService(this));
    this.#port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(`127.0.0.1:${this.#port}`, ServerCredentials.createInsecure(), (error, port) => {
        if (error === null) resolve(port);
        else reject(error);
      });
    });
    this.#server = server;
  }

  /** Drops every connection, as kill -9 does. What it keeps stays, as a log on disk would. */
  stop(): void {
    for (const kept of this.searches.values()) kept.watchers.clear();
    this.#server?.forceShutdown();
    this.#server = undefined;
  }
}

/** Starts a twin that ends with a test. */
export async function startTwin(context: { after(done: () => void): void }): Promise<CoordinatorTwin> {
  const twin = new CoordinatorTwin();
  await twin.start();
  context.after(() => twin.stop());
  return twin;
}
