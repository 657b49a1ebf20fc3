/**
 * Reports that the coordinator has not acknowledged yet, in order. Numbers are given at the moment of sending and start from 1 on every
 * connection, so what waits may still be thinned out: past the bound, plain measurements go first (every second one of an attempt), then
 * checkpoints that a newer one follows, then findings. A Finished is never dropped, and neither is an attempt's newest checkpoint, its newest
 * measurement, or what replaces a measurement that may have been received.
 */
import { type LeaseKey, limits, numbersIn, type Report } from "@regulus/proto";
import { keyText } from "../attempts/lease-key.js";

/** Reports in one message. */
const batchReportsMax = 1000;
/** Estimated bytes of one message; a quarter of what gRPC lets through, since the estimate is rough. */
const batchBytesMax = limits.messageBytesMax / 4;
/** Reports that may be on their way at once; the rest waits, so that it can still be thinned. */
const inFlightMax = 8192;

/** A message's worth of reports. */
export interface Batch {
  readonly firstSequence: number;
  readonly reports: Report[];
}

export class ReportBuffer {
  #waiting: Report[] = [];
  /** Reports at the head of `waiting` that were sent on this connection. */
  #sent = 0;
  /** Reports acknowledged on this connection: the number of the newest that is gone. */
  #acknowledged = 0;
  #finishedWaiting = new Map<string, LeaseKey>();
  /** Of every attempt that measured: its newest step, and the newest one that was sent on any connection. */
  #steps = new Map<string, { newest: number; sent: number }>();
  /** Measurements of the step that their attempt measured before: they replace what was said of it. */
  readonly #amendments = new WeakSet<Report>();
  /** Reports that were thinned out since the start. */
  thinnedTotal = 0;

  readonly #max: number;

  constructor(max: number = limits.reportBacklogMax) {
    this.#max = max;
  }

  /** Reports that are not acknowledged. */
  get size(): number {
    return this.#waiting.length;
  }

  /** Attempts whose end is not acknowledged: still the agent's, in the coordinator's eyes. */
  unacknowledgedEnds(): readonly LeaseKey[] {
    return [...this.#finishedWaiting.values()];
  }

  add(report: Report): void {
    this.#waiting.push(report);
    const step = measuredStep(report);
    if (step !== undefined) this.#noteMeasured(report, step);
    if (report.event?.$case === "finished" && report.lease) this.#finishedWaiting.set(keyText(report.lease), report.lease);
    if (this.#waiting.length > this.#max) this.#thin();
  }

  /** The next reports to send, or undefined where all are sent or enough are on their way. They count as sent. */
  take(): Batch | undefined {
    const room = Math.min(batchReportsMax, inFlightMax - this.#sent);
    if (room <= 0 || this.#sent >= this.#waiting.length) return undefined;
    const reports: Report[] = [];
    let bytes = 0;
    for (let i = this.#sent; i < this.#waiting.length && reports.length < room; i += 1) {
      const report = this.#waiting[i];
      if (report === undefined) break;
      bytes += estimateBytes(report);
      if (reports.length > 0 && bytes > batchBytesMax) break;
      reports.push(report);
      const steps = this.#steps.get(textOf(report));
      if (steps !== undefined) steps.sent = Math.max(steps.sent, measuredStep(report) ?? steps.sent);
    }
    const firstSequence = this.#acknowledged + this.#sent + 1;
    this.#sent += reports.length;
    return { firstSequence, reports };
  }

  /** Reports of this connection up to a number are durable. Numbers never sent are ignored. */
  acknowledge(throughSequence: number): void {
    const count = Math.min(throughSequence - this.#acknowledged, this.#sent);
    if (count <= 0) return;
    for (let i = 0; i < count; i += 1) {
      const report = this.#waiting[i];
      if (report?.event?.$case !== "finished") continue;
      this.#finishedWaiting.delete(textOf(report));
      this.#steps.delete(textOf(report));
    }
    this.#waiting.splice(0, count);
    this.#sent -= count;
    this.#acknowledged += count;
  }

  /** A new connection: numbers start again, and everything that is not acknowledged is to be sent again. */
  rewind(): void {
    this.#sent = 0;
    this.#acknowledged = 0;
  }

  /** The attempt is no longer the agent's: what was not sent of it need not be. */
  forget(key: LeaseKey): void {
    const text = keyText(key);
    this.#finishedWaiting.delete(text);
    this.#steps.delete(text);
    this.#keepUnsent((report) => textOf(report) !== text);
  }

  #noteMeasured(report: Report, step: number): void {
    const before = this.#steps.get(textOf(report));
    if (before?.newest === step) this.#amendments.add(report);
    this.#steps.set(textOf(report), { newest: step, sent: before?.sent ?? -1 });
  }

  /** Makes room among the reports that were not sent. */
  #thin(): void {
    const before = this.#waiting.length;
    this.#thinMeasurements();
    if (this.#waiting.length === before) this.#keepNewestCheckpoints();
    if (this.#waiting.length === before) this.#keepUnsent((report) => report.event?.$case !== "found");
    this.thinnedTotal += before - this.#waiting.length;
  }

  /**
   * Drops what a later report of the same step replaces, and of the rest every second one. What replaces a measurement that was sent, even on an
   * earlier connection, stays: what was sent may have been received and would count.
   */
  #thinMeasurements(): void {
    const last = new Map<string, Report>();
    for (const report of this.#waiting) {
      const step = measuredStep(report);
      if (step !== undefined) last.set(`${step} ${textOf(report)}`, report);
    }
    const counts = new Map<string, number>();
    this.#keepUnsent((report) => {
      const step = measuredStep(report);
      if (step === undefined) return true;
      const text = textOf(report);
      if (last.get(`${step} ${text}`) !== report) return false;
      const steps = this.#steps.get(text);
      if (steps?.newest === step || (this.#amendments.has(report) && step <= (steps?.sent ?? -1))) return true;
      const count = counts.get(text) ?? 0;
      counts.set(text, count + 1);
      return count % 2 === 1;
    });
  }

  #keepNewestCheckpoints(): void {
    const newest = new Map<string, Report>();
    for (const report of this.#waiting) {
      if (report.event?.$case === "checkpointed") newest.set(textOf(report), report);
    }
    const kept = new Set(newest.values());
    this.#keepUnsent((report) => report.event?.$case !== "checkpointed" || kept.has(report));
  }

  #keepUnsent(keep: (report: Report) => boolean): void {
    const unsent = this.#waiting.slice(this.#sent).filter(keep);
    this.#waiting.length = this.#sent;
    for (const report of unsent) this.#waiting.push(report);
  }
}

/** The attempt that a report is of; empty where it names none. */
function textOf({ lease }: Report): string {
  return lease === undefined ? "" : keyText(lease);
}

function measuredStep({ event }: Report): number | undefined {
  return event?.$case === "measured" ? event.value.step : undefined;
}

/** Rough size of a report on the wire: 32 bytes a name beside its own characters are generous, 96 bytes hold the rest. */
function estimateBytes(report: Report): number {
  const event = report.event;
  if (event?.$case === "found") return 96 + 4 * event.value.message.length;
  const measurement = event?.$case === "measured" ? event.value : event?.$case === "finished" ? event.value.final : undefined;
  let bytes = 96 + (event?.$case === "finished" ? 4 * event.value.message.length + 128 * event.value.artifacts.length : 0);
  if (measurement === undefined) return bytes;
  for (const map of [measurement.metrics, measurement.learned, measurement.scales, measurement.hypergradients]) {
    for (const name in map) bytes += 32 + name.length;
  }
  for (const name in measurement.vectors) bytes += 32 + name.length;
  return bytes + 8 * numbersIn(measurement.vectors);
}
