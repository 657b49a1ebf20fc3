import assert from "node:assert/strict";
import { test } from "node:test";
import { areColoursWanted } from "./colours.js";

const terminal = { isTTY: true };
const pipe = {};

test("a terminal has colours and a pipe has none, also in continuous integration", () => {
  for (const env of [{}, { CI: "1" }, { TERM: "xterm", COLORTERM: "truecolor" }, { NO_COLOR: "", FORCE_COLOR: "" }]) {
    assert.equal(areColoursWanted(terminal, env), true);
    assert.equal(areColoursWanted(pipe, env), false);
  }
});

test("a dumb terminal has none", () => assert.equal(areColoursWanted(terminal, { TERM: "dumb" }), false));

test("FORCE_COLOR forces colours and NO_COLOR forbids them, over all other settings", () => {
  for (const stream of [terminal, pipe]) {
    assert.equal(areColoursWanted(stream, { FORCE_COLOR: "1", TERM: "dumb" }), true);
    assert.equal(areColoursWanted(stream, { FORCE_COLOR: "0" }), false);
    assert.equal(areColoursWanted(stream, { FORCE_COLOR: "1", NO_COLOR: "1" }), false);
  }
});
