/** What waits for agents is bounded, whoever reads and however fast, and those who read are not cut off for those who do not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ConnectResponse, limits } from "@regulus/proto";
import fc from "fast-check";
import { AgentMail, type Mailbox } from "./agent-mail.js";
import { bounds } from "./bounds.js";

const stop = (text: string) => ConnectResponse.fromPartial({ message: { $case: "stopAttempt", value: { message: text } } });
const leases = (numbers: number) =>
  ConnectResponse.fromPartial({
    message: { $case: "leases", value: { leases: [{ work: { vectors: { weights: { values: Array(numbers).fill(1) } } } }] } },
  });

/** An agent that takes what it is sent when a test says so. */
class Agent {
  readonly waiting: (() => void)[] = [];
  readonly box: Mailbox;
  cut = "";

  constructor(mail: AgentMail, slots = 1) {
    this.box = mail.open(slots, ({ code, message }) => {
      this.cut = `${code}: ${message}`;
    });
  }

  send(message: ConnectResponse): void {
    const sent = this.box.add(message);
    if (this.cut === "") this.waiting.push(sent);
  }

  take(): void {
    this.waiting.shift()?.();
  }
}

const step = fc.record({
  agent: fc.nat(4),
  does: fc.constantFrom("sendText", "sendText", "sendNumbers", "take", "take", "leave"),
  size: fc.nat(4000),
});

test("bytes that wait for all agents never pass their bound, and are what each has not taken", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 200 }), (steps) => {
      let now = 0;
      const bytesMax = 40_000;
      const mail = new AgentMail(() => now, bytesMax);
      const agents = Array.from({ length: 5 }, () => new Agent(mail));
      for (const { agent: index, does, size } of steps) {
        now += 1;
        const agent = agents[index] ?? assert.fail();
        if (does === "take") agent.take();
        else if (does === "leave") agent.box.close();
        else agent.send(does === "sendText" ? stop("x".repeat(size)) : leases(Math.floor(size / 8)));
        assert.ok(mail.bytes <= bytesMax, `${mail.bytes}`);
        if (does === "leave") agents[index] = new Agent(mail);
        else if (agent.cut !== "") agents[index] = new Agent(mail);
      }
      for (const agent of agents) while (agent.waiting.length > 0) agent.take();
      assert.equal(mail.bytes, 0);
    }),
    { numRuns: 200 },
  );
});

test("the agent that took nothing for longest is cut off, not one that reads", () => {
  let now = 0;
  const mail = new AgentMail(() => now, 100_000);
  const [stalled, reader] = [new Agent(mail), new Agent(mail)];
  stalled.send(stop("x".repeat(4000)));
  for (now = 1; now < 1000 && stalled.cut === ""; now += 1) {
    reader.send(stop("x".repeat(4000)));
    stalled.send(stop("x".repeat(500)));
    reader.take();
  }
  assert.match(stalled.cut, /^exhausted: the agent reads too slowly: \d+ messages to it wait to be sent, \d+ bytes in all/);
  assert.equal(reader.cut, "");
});

test("what the slots of an agent may be given at once is never too much; texts without end are", () => {
  const mail = new AgentMail(() => 0, Number.POSITIVE_INFINITY);
  const agent = new Agent(mail, 8);
  for (let slot = 0; slot < 8; slot += 1) agent.send(leases(limits.vectorNumbersMax));
  assert.equal(agent.cut, "");
  const text = "x".repeat(limits.textCharactersMax);
  let sent = 0;
  for (; agent.cut === "" && sent < bounds.unsentAgentMessagesMax; sent += 1) agent.send(stop(text));
  assert.match(agent.cut, /reads too slowly/);
  assert.ok(sent * text.length <= bounds.unsentAgentBytesMax, `${sent} texts`);
});
