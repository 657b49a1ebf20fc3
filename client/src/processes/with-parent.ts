/**
 * Runs a program that ends when its parent does: `node with-parent.js main.js FLAGS`. The parent holds this process's standard input
 * open and writes nothing; when the parent is gone, killed too, the input ends and the program gets the signal for a graceful end.
 */
import { pathToFileURL } from "node:url";

/** After this the program is asked a second time, which ours take as: at once. */
const graceMs = 5000;

const [node = "", , main = "", ...flags] = process.argv;
process.argv = [node, main, ...flags];
process.stdin.once("end", () => {
  process.kill(process.pid, "SIGTERM");
  setTimeout(() => process.kill(process.pid, "SIGTERM"), graceMs).unref();
});
process.stdin.on("error", () => undefined);
process.stdin.resume();
// A program that has nothing else to do may end.
if ("unref" in process.stdin && typeof process.stdin.unref === "function") process.stdin.unref();
await import(pathToFileURL(main).href);
