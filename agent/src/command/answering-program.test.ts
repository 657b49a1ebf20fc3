/** A program that is ended in the midst of a question may do what it likes: the next question is the next program's. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { signalGroup } from "../attempts/process-group.js";
import { AnsweringProgram } from "./answering-program.js";

const folder = mkdtempSync(join(tmpdir(), "regulus-answering-"));
const groups: number[] = [];
after(() => {
  for (const group of groups) signalGroup(group, "SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

/** The first one answers nothing, and says something late when it is asked to end; the second one answers when it may. */
const text = `wait_for() { until [ -e "${folder}/$1" ]; do sleep 0.01; done; }
trap 'wait_for asked; echo late; : > ${folder}/late' TERM
read question
[ -e ${folder}/second ] && { wait_for gate; echo "answer to $question"; }
: > ${folder}/second
while :; do sleep 0.01; done`;

function start(script: string): AnsweringProgram {
  return new AnsweringProgram({
    argv: ["sh", "-c", script],
    directory: folder,
    env: { PATH: process.env.PATH ?? "" },
    stopGraceMs: 60_000,
    answerBytesMax: 100,
    started: (group) => void groups.push(group),
    left: (words) => assert.fail(words),
  });
}

const touch = (name: string) => writeFileSync(join(folder, name), "");
async function until(name: string): Promise<void> {
  for (let tries = 0; !existsSync(join(folder, name)); tries += 1) {
    assert.ok(tries < 6000, `waited a minute for: ${name}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test("what a program says late, after it was asked to end, answers nobody's question, and its end is not the next one's", async () => {
  const program = start(text);
  const first = program.ask("one");
  await until("second");
  assert.equal(program.isRunning, true);
  const ended = program.end();
  assert.deepEqual([await first, program.isRunning], [undefined, false]);
  const second = program.ask("two");
  touch("asked");
  await until("late");
  signalGroup(groups[0], "SIGKILL");
  await ended;
  touch("gate");
  assert.equal(await second, "answer to two");
  assert.equal(groups.length, 2);
});

test("a program that is deaf to SIGTERM may end with its input; one that ended is not asked again, another is", async () => {
  const program = start(`trap "" TERM; while read question; do echo "answer to $question"; done`);
  for (const question of ["one", "two"]) assert.equal(await program.ask(question), `answer to ${question}`);
  await program.end(3_600_000);
  assert.equal(await program.ask("three"), "answer to three");
  await program.end(3_600_000);
  await program.end();
});
