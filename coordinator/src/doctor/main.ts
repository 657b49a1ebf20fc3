/**
 * `node doctor/main.js --data DIR [--repair]`: checks the log and the artifacts of a coordinator that does not run. `regulus doctor` starts it and
 * reads its lines: JSON objects, {"progress": words} while it works and {"report": ...} at the end.
 */
import { parseArgs } from "node:util";
import { RegulusError } from "@regulus/proto";
import { examine } from "./examine.js";

/** Least time between two lines of progress. */
const progressEveryMs = 1000;
function reporter(): (words: string) => void {
  let next = Date.now() + progressEveryMs;
  return (words) => {
    if (Date.now() < next) return;
    next = Date.now() + progressEveryMs;
    process.stdout.write(`${JSON.stringify({ progress: words })}\n`);
  };
}

try {
  const { values } = parseArgs({ options: { data: { type: "string" }, repair: { type: "boolean", default: false } } });
  if (values.data === undefined) throw new RegulusError("invalid-argument", "--data DIR is missing");
  const report = await examine(values.data, values.repair, reporter());
  process.stdout.write(`${JSON.stringify({ report })}\n`);
} catch (thrown) {
  const { code, message } = RegulusError.from(thrown);
  process.stdout.write(`${JSON.stringify({ error: { code, message } })}\n`);
  process.exitCode = 1;
}
