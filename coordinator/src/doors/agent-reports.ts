/**
 * Checks of what agents say. A message that breaks the protocol ends the stream. Content past a bound that a trial may have caused is the trial's own
 * fault, so it becomes the trial's end as a user error: refusing the stream would take the agent's other trials with it, and it would be sent again.
 */
import {
  Agent,
  type ArtifactRef,
  counted,
  EndReason,
  eventProblems,
  type Heartbeat,
  type LeaseKey,
  limits,
  type OutputPiece,
  outputPieceBytesMax,
  problemWords,
  type Register,
  type Report,
  type ReportEvent,
  type Reports,
} from "@regulus/proto";
import { keptText, RequestChecks } from "./request-checks.js";

/** Backends that one agent may name. */
const backendsMax = 16;
/** Artifacts that one attempt may leave. */
const artifactsMax = 64;

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
    if (bytes > limits.agentBytesMax)
      checks.problem("register.agent", counted(bytes, "byte"), `at most ${limits.agentBytesMax} bytes`);
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
  checks.wholeNumber("heartbeat.artifactBytes", heartbeat.artifactBytes, { min: 0, max: Number.MAX_SAFE_INTEGER });
  checks.done();
}

/** Reports that follow those up to `newest`, with texts cut and what is past its bounds turned into the trial's end. */
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
  if (event === undefined) {
    checks.problem(`${field}.event`, undefined, "measured, checkpointed, finished, found or unrestorable");
    return report;
  }
  checkProtocol(checks, field, event);
  const problems = eventProblems(event);
  return { ...report, event: problems.length === 0 ? withKeptTexts(event) : refused(event, problemWords(problems)) };
}

/** What no trial can cause: only an agent that breaks the protocol sends it. */
function checkProtocol(checks: RequestChecks, field: string, event: ReportEvent): void {
  const path = `${field}.${event.$case}`;
  if (event.$case === "checkpointed" || event.$case === "unrestorable") {
    const { checkpoint } = event.value;
    if (checkpoint === undefined) checks.problem(`${path}.checkpoint`, undefined, "an artifact");
    else checks.artifact(`${path}.checkpoint`, checkpoint);
  }
  if (event.$case !== "finished") return;
  const { reason, artifacts } = event.value;
  if (reason === EndReason.END_REASON_UNSPECIFIED || reason === EndReason.UNRECOGNIZED) {
    checks.problem(`${path}.reason`, reason, "why the attempt is over");
  }
  if (checks.count(`${path}.artifacts`, artifacts.length, artifactsMax)) {
    for (const [index, artifact] of artifacts.entries()) checks.artifact(`${path}.artifacts[${index}]`, artifact);
  }
}

function withKeptTexts(event: ReportEvent): ReportEvent {
  switch (event.$case) {
    case "measured":
    case "checkpointed":
      return event;
    case "unrestorable":
      return { $case: "unrestorable", value: { ...event.value, message: keptText(event.value.message) } };
    case "finished":
      return { $case: "finished", value: { ...event.value, message: keptText(event.value.message) } };
    case "found":
      return { $case: "found", value: { ...event.value, message: keptText(event.value.message) } };
  }
}

/** What takes the place of an event past its bounds: the trial's end, but for findings, which are only told. */
function refused(event: ReportEvent, faults: string): ReportEvent {
  switch (event.$case) {
    case "found":
    case "unrestorable": {
      const message = keptText(`a finding was refused: ${faults}`);
      return { $case: "found", value: { source: "coordinator", severity: "warning", message } };
    }
    case "measured":
      return userError("a measurement", event.value.step, faults);
    case "checkpointed":
      return userError("a checkpoint", event.value.step, faults);
    case "finished":
      return userError("its end", event.value.step, faults, event.value.artifacts);
  }
}

function userError(what: string, reached: number, faults: string, artifacts: readonly ArtifactRef[] = []): ReportEvent {
  const value = {
    reason: EndReason.END_REASON_USER_ERROR,
    message: keptText(`${what} was refused: ${faults}`),
    step: Math.min(Math.max(0, reached), limits.stepMax),
    final: undefined,
    artifacts: [...artifacts],
    startedMs: 0,
  };
  return { $case: "finished", value };
}

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
