/** The thread of a heavy strategy: holds it, tells it and asks it as its host says. Started by worker-host.ts and by nothing else. */
import { parentPort, workerData } from "node:worker_threads";
import { assert } from "@regulus/proto";
import { InlineHost } from "./strategy-host.js";
import type { FromWorker, ToWorker, WorkerStart } from "./worker-messages.js";

const port = parentPort;
assert(port, "the strategy's thread has a host");
const { spec, strategiesUrl } = workerData as WorkerStart;
const { strategies } = await import(strategiesUrl);
const host = new InlineHost(strategies, spec);

port.on("message", (message: ToWorker) => {
  switch (message.kind) {
    case "tell":
      host.tell(message.facts);
      return;
    case "ask":
      host.ask(message.limit, (answer) => port.postMessage(answer satisfies FromWorker));
      return;
    default: {
      const never: never = message;
      return never;
    }
  }
});
