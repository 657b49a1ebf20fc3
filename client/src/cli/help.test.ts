/** Help is read on terminals of 80 columns. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createProgram } from "./program.js";

const columns = 80;

test("no line of any help is longer than 80 columns, and each command says what it does and gives an example", () => {
  const program = createProgram();
  const helps = [program, ...program.commands].map((command) => {
    let text = "";
    const writeOut = (piece: string) => {
      text += piece;
    };
    command.configureOutput({ getOutHelpWidth: () => columns, writeOut });
    command.outputHelp();
    return { name: command.name(), text };
  });
  assert.ok(helps.length > 20);
  const first = /Most used:\n([\s\S]*?)\n\n/.exec(helps[0]?.text ?? "")?.[1] ?? "";
  const names = first.split("\n").flatMap((line) => /^ {2}(\w+)/.exec(line)?.[1] ?? []);
  assert.deepEqual(names, ["submit", "watch", "best", "show", "logs", "report"]);
  const long = helps.flatMap(({ name, text }) =>
    text.split("\n").flatMap((line) => (line.length > columns ? [`${name}: ${line}`] : [])),
  );
  assert.deepEqual(long, []);
  for (const { name, text } of helps) {
    // The help of these two is that of their own programs.
    if (name !== "agent" && name !== "coordinator") assert.match(text, /Examples?:/, name);
  }
});
