/**
 * Checks of what agents say. A message that breaks the protocol ends the stream. A measurement that breaks a bound is the trial's own
 * fault, so it becomes the trial's end as a user error: refusing the stream would only make the agent send it again.
 */
import {
  Agent,
  EndReason,
  type Finished,
  type Heartbeat,
  type LeaseKey,
  limits,
  type Measurement,
  numbersIn,
  type OutputPiece,
  outputPieceBytesMax,
  type Register,
  type Report,
  type Reports,
} from "@regulus/proto";
import { keptText, RequestChecks } from "./request-checks.js";

/** Backends that one agent may name. */
const backendsMax = 16;
/** Artifacts that one attempt may leave. */
const artifactsMax = 64;
const severities = ["info", "warning", "error"];

/** Fails where a registration can't be taken. Its protocol version is checked before. */
export function checkRegister(register: Register): asserts register is Register & { agent: Agent } {
  const checks = new RequestChecks();
  const agent = register.agent;
  if (agent === undefined) {
    checks.problem("register.agent", undefined, "who the agent is");
  } else {
    checks.id("register.agent.agentId", agent.agentId);
    checks.wholeNumber("register.agent.slots", agent.slots, { min: 1, max: limits.slotsMax });
    if (checks.count("register.agent.backends", agent.backends.length, backendsMax)) {
      for (const [index, backend] of agent.backends.entries()) checks.text(`register.agent.backends[${index}]`, backend);
    }
    checks.text("register.agent.backendReason", agent.backendReason, limits.textCharactersMax);
    checks.text("register.agent.gpu", agent.gpu);
    checks.text("register.agent.version", agent.version);
    checks.labels("register.agent.labels", agent.labels);
    const bytes = Agent.encode(agent).finish().byteLength;
    if (bytes > limits.agentBytesMax) checks.problem("register.agent", `${bytes} bytes`, `at most ${limits.agentBytesMax} bytes`);
  }
  checks.text("register.instance", register.instance ?? "");
  leases(checks, "register.active", register.active);
  checks.done();
}

export function checkOutput(piece: OutputPiece): void {
  const checks = new RequestChecks();
  checks.wholeNumber("output.offset", piece.offset, { min: 0, max: Number.MAX_SAFE_INTEGER - outputPieceBytesMax });
  checks.wholeNumber("output.totalBytes", piece.totalBytes, { min: 0, max: Number.MAX_SAFE_INTEGER });
  if (piece.data.length > outputPieceBytesMax) {
    checks.problem("output.data", piece.data.length, `at most ${outputPieceBytesMax} bytes`);
  }
  checks.done();
}

export function checkHeartbeat(heartbeat: Heartbeat): void {
  const checks = new RequestChecks();
  leases(checks, "heartbeat.active", heartbeat.active);
  checks.done();
}

/** Reports that follow those up to `newest`, with texts cut and measurements past their bounds turned into the trial's end. */
export function checkReports(reports: Reports, newest: number): Reports {
  const checks = new RequestChecks();
  const first = reports.firstSequence;
  if (first !== newest + 1) checks.problem("reports.firstSequence", first, `${newest + 1}, as the one after the last`);
  const kept = reports.reports.map((report, index) => checkReport(checks, `reports.reports[${index}]`, report));
  checks.done();
  return { firstSequence: first, reports: kept };
}

function checkReport(checks: RequestChecks, field: string, report: Report): Report {
  lease(checks, `${field}.lease`, report.lease);
  const event = report.event;
  switch (event?.$case) {
    case undefined:
      checks.problem(`${field}.event`, undefined, "measured, checkpointed, finished, found or unrestorable");
      return report;
    case "measured": {
      const faults = measurementFaults(event.value);
      return faults === undefined
        ? report
        : { ...report, event: { $case: "finished", value: userError(event.value.step, faults) } };
    }
    case "checkpointed":
      step(checks, `${field}.checkpointed.step`, event.value.step);
      if (event.value.checkpoint === undefined) checks.problem(`${field}.checkpointed.checkpoint`, undefined, "an artifact");
      else checks.artifact(`${field}.checkpointed.checkpoint`, event.value.checkpoint);
      return report;
    case "unrestorable": {
      const { checkpoint, message } = event.value;
      if (checkpoint === undefined) checks.problem(`${field}.unrestorable.checkpoint`, undefined, "an artifact");
      else checks.artifact(`${field}.unrestorable.checkpoint`, checkpoint);
      return { ...report, event: { $case: "unrestorable", value: { checkpoint, message: keptText(message) } } };
    }
    case "finished":
      return { ...report, event: { $case: "finished", value: checkFinished(checks, `${field}.finished`, event.value) } };
    case "found":
      checks.text(`${field}.found.source`, event.value.source);
      if (!severities.includes(event.value.severity)) {
        checks.problem(`${field}.found.severity`, event.value.severity, `one of ${severities.join(", ")}`);
      }
      return { ...report, event: { $case: "found", value: { ...event.value, message: keptText(event.value.message) } } };
  }
}

function checkFinished(checks: RequestChecks, field: string, finished: Finished): Finished {
  if (finished.reason === EndReason.END_REASON_UNSPECIFIED || finished.reason === EndReason.UNRECOGNIZED) {
    checks.problem(`${field}.reason`, finished.reason, "why the attempt is over");
  }
  if (checks.count(`${field}.artifacts`, finished.artifacts.length, artifactsMax)) {
    for (const [index, artifact] of finished.artifacts.entries()) checks.artifact(`${field}.artifacts[${index}]`, artifact);
  }
  step(checks, `${field}.step`, finished.step);
  const faults = finished.final === undefined ? undefined : measurementFaults(finished.final);
  if (faults !== undefined) return { ...userError(finished.step, faults), artifacts: finished.artifacts };
  return { ...finished, message: keptText(finished.message) };
}

/** What is wrong with a measurement; undefined for nothing. Not finite values are allowed: they mean "could not be computed". */
function measurementFaults(measurement: Measurement): string | undefined {
  const checks = new RequestChecks();
  const { metrics, learned, scales, hypergradients, vectors } = measurement;
  const maps = { metrics, learned, scales, hypergradients, vectors };
  for (const [field, values] of Object.entries(maps)) {
    const names = Object.keys(values);
    if (!checks.count(field, names.length, limits.measurementNamesMax)) continue;
    for (const name of names) checks.text(`${field}[${name}]`, name);
  }
  checks.count("vectors' numbers", numbersIn(vectors), limits.vectorNumbersMax);
  if (!(measurement.seconds >= 0 && Number.isFinite(measurement.seconds))) {
    checks.problem("seconds", measurement.seconds, "seconds of training, finite and not negative");
  }
  step(checks, "step", measurement.step);
  const problems = checks.all();
  return problems.length === 0 ? undefined : problems.map((p) => `${p.field}: saw ${p.seen}, expected ${p.expected}`).join("; ");
}

function step(checks: RequestChecks, field: string, value: number): void {
  checks.wholeNumber(field, value, { min: 0, max: limits.stepMax });
}

const userError = (reached: number, faults: string): Finished => ({
  reason: EndReason.END_REASON_USER_ERROR,
  message: keptText(`a measurement was refused: ${faults}`),
  step: Math.min(reached, limits.stepMax),
  final: undefined,
  artifacts: [],
  startedMs: 0,
});

function leases(checks: RequestChecks, field: string, keys: readonly LeaseKey[]): void {
  if (!checks.count(field, keys.length, limits.slotsMax)) return;
  for (const [index, key] of keys.entries()) lease(checks, `${field}[${index}]`, key);
}

function lease(checks: RequestChecks, field: string, key: LeaseKey | undefined): void {
  if (key === undefined) {
    checks.problem(field, undefined, "the attempt");
    return;
  }
  checks.id(`${field}.searchId`, key.searchId);
  checks.trial(`${field}.trial`, key.trial);
  checks.wholeNumber(`${field}.attempt`, key.attempt, { min: 1, max: 2 ** 32 - 1 });
}
