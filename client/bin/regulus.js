#!/usr/bin/env node
// The `regulus` command: hands over to the compiled program.
import { existsSync } from "node:fs";

// Words of Node about its own future are for us, not for users.
process.noDeprecation = true;
const compiled = new URL("../dist/cli/main.js", import.meta.url);
if (existsSync(compiled)) {
  const { main } = await import(compiled.href);
  process.exitCode = await main(process.argv);
} else {
  console.error("regulus: not built yet; run: npm run build");
  process.exitCode = 5;
}
