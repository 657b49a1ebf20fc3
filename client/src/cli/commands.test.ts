import { test } from "node:test";
import { startTwin } from "../testing/coordinator-twin.js";
import { regulus } from "../testing/run-inside.js";
import { assertTranscript } from "../testing/transcript.js";
import { addAgents, addDigits, addOthers } from "./testing/known-searches.js";

/** Command lines, in the order in which they are typed; those with a mark at a terminal. */
const session = `
ls
@ ls
ls --status ended
ls --name rid
ls --name no-such-name
ls --label team=vision --limit 1
ls --label team=none
show 7f3a
@ show 7f3a
show 7f3a 0
show 7f3a 1
show 7f3a 3
show 7f3a 4
show 7f3a 1 --output
show 7f3a 9
show aa11
show aa11 --by-number --limit 2
show aa11 --limit 0
@ show aa11 --limit 3
@ show aa11 --all-parameters --limit 1
@ show aa11 1
show aa22
show bb33
show cc44
best 7f3a
@ best 7f3a
best aa11
best bb33
best cc44
explain 7f3a
explain 7f3a 1
logs 7f3a 0
artifact 7f3a best
artifact 7f3a 0
artifact 7f3a 1 picture
artifact 7f3a 1 image --number 2
artifact aa11 best
artifact 7f3a best report
artifact 7f3a 1 output
export 7f3a --format csv
export 7f3a --format csv --measurements
watch 7f3a
watch bb33
watch 7f3a --after 20
agents
@ agents
pause aa11 --reason lunch
resume aa11
stop aa11 0
stop aa11 0 --reason slow
delete aa22
retry 7f3a
retry 7f3a 3
extend 7f3a --trials 2 --failures 1
stop aa11
stop aa11 --reason enough
delete aa11 bb33 aa11
ls --limit 2`;

test("the output of every command, in a pipe and at a terminal, matches its transcript", async (t) => {
  const twin = await startTwin(t);
  addDigits(twin);
  addOthers(twin);
  addAgents(twin);
  let text = "";
  for (const line of session.trim().split("\n")) {
    const [, terminal, words = ""] = /^(@ )?(.*)$/.exec(line) ?? [];
    const size = terminal === undefined ? undefined : { columns: 80, rows: 24 };
    const { code, stdout, stderr } = await regulus([...words.split(" "), "-c", twin.address], { terminal: size });
    const marked = stderr.replace(/^(?=.)/gm, "! ");
    text += `\n$ regulus ${words}${size === undefined ? "" : "   (at a terminal)"}\n${stdout}${marked}${code === 0 ? "" : `= ${code}\n`}`;
  }
  assertTranscript(import.meta.url, "commands.transcript.txt", text.replaceAll(twin.address, "HOST:PORT"));
});
