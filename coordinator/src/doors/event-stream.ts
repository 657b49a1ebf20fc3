/** The JetStream stream of the events: creates it if absent, and reads a search's position from it. */
import { type JetStreamManager, NatsError, nanos, type StreamInfo } from "nats";
import { positionOf, streamName, subjectRoot, subjectsOf } from "./fact-event.js";

/** What a stream that the feed creates keeps: a week, and at most 4 GiB; the oldest goes first. */
const streamAgeMaxMs = 7 * 86_400_000;
const streamBytesMax = 4 * 1024 ** 3;
/** How long the stream tells a repeated message by its id. */
const duplicateWindowMs = 120_000;

/** The stream of the events, created where it is absent. One that is there keeps the bounds that its owner gave it. */
export async function ensureStream(manager: JetStreamManager): Promise<StreamInfo> {
  try {
    return await manager.streams.info(streamName);
  } catch (thrown) {
    if (!isNotFound(thrown)) throw thrown;
  }
  return manager.streams.add({
    name: streamName,
    description: "Facts of Regulus, one message each; the log of the coordinator is the truth.",
    subjects: [`${subjectRoot}.>`],
    max_age: nanos(streamAgeMaxMs),
    max_bytes: streamBytesMax,
    duplicate_window: nanos(duplicateWindowMs),
  });
}

/** Position of the newest fact of a search that the stream holds; 0 for none. */
export async function newestInStream(manager: JetStreamManager, searchId: string): Promise<number> {
  try {
    const message = await manager.streams.getMessage(streamName, { last_by_subj: subjectsOf(searchId) });
    const id = message.header.get("Nats-Msg-Id");
    return id.startsWith(`${searchId}:`) ? (positionOf(id) ?? 0) : 0;
  } catch (thrown) {
    if (isNotFound(thrown)) return 0;
    throw thrown;
  }
}

const isNotFound = (thrown: unknown): boolean => thrown instanceof NatsError && thrown.code === "404";
