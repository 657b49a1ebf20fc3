/** A fact as an event on NATS: its subject, its id for deduplication and its body. docs/events.md describes them for readers. */
import { Fact } from "@regulus/proto";
import { shownFact } from "../search/shown-spec.js";

/** Name of the stream that holds the events. */
export const streamName = "REGULUS";
/** First token of every subject. */
export const subjectRoot = "regulus";

/** Bytes of a body at most; above it the event tells only that the fact is there. NATS takes 1 MiB with headers by default. */
export const bodyBytesMax = 1000 * 1024;

/** One event. */
export interface FactEvent {
  readonly subject: string;
  /** Value of the header `Nats-Msg-Id`: `<search>:<position>`. */
  readonly id: string;
  readonly body: string;
}

/** `regulus.<search>.<kind>` with the kind in kebab-case, such as `regulus.s-1.trial-ended`. */
export const subjectOf = (searchId: string, kind: string): string =>
  `${subjectRoot}.${subjectToken(searchId)}.${kind.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** All events of a search. */
export const subjectsOf = (searchId: string): string => `${subjectRoot}.${subjectToken(searchId)}.>`;

/** The fact's event. Its body is the fact in the JSON form of protobuf; numbers that are not finite are the strings "NaN", "Infinity" and "-Infinity" there. */
export function eventOf(fact: Fact): FactEvent {
  const kind = fact.kind?.$case ?? "unknown";
  const body = JSON.stringify(Fact.toJSON(shownFact(fact)));
  const { searchId, position, timeMs } = fact;
  const short = () => JSON.stringify({ searchId, position, timeMs, omittedBytes: Buffer.byteLength(body) });
  return {
    subject: subjectOf(searchId, kind),
    id: `${searchId}:${position}`,
    body: Buffer.byteLength(body) <= bodyBytesMax ? body : short(),
  };
}

/** The position in an event's id; undefined for an id of another form. */
export function positionOf(id: string): number | undefined {
  const position = Number(id.slice(id.lastIndexOf(":") + 1));
  return Number.isSafeInteger(position) && position > 0 ? position : undefined;
}

/** A search's id as one token of a subject: NATS splits at dots. */
const subjectToken = (searchId: string): string => searchId.replaceAll(/[^A-Za-z0-9_-]/g, "_");
