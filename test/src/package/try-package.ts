/**
 * `npm run try-package`: packs, installs the tarball with npm into an empty folder (`npm install -g`, with a prefix of its own) and runs a search
 * with it. It needs the npm registry for the dependencies and about a minute, which is why `npm test` leaves it out and links the dependencies.
 */
import { execFileSync } from "node:child_process";
import { cpSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root, scratch } from "../cluster/index.js";
import { runUserPrograms } from "./user-programs.js";

console.error("try-package downloads the dependencies from the npm registry; npm test links this repository's own instead");
const folder = scratch("try-package");
try {
  const at = (command: string, ...args: string[]) => execFileSync(command, args, { cwd: folder.path, stdio: "inherit" });
  at("node", join(root, "scripts/pack.mjs"), folder.path);
  const tarball = readdirSync(folder.path).find((file) => file.endsWith(".tgz")) ?? "";
  const quiet = ["--no-audit", "--no-fund", "--prefer-offline"];
  at("npm", "install", "-g", "--prefix", join(folder.path, "global"), ...quiet, tarball);
  cpSync(join(root, "examples/typescript"), folder.path, { recursive: true });
  writeFileSync(join(folder.path, "package.json"), '{ "type": "module" }');
  at("npm", "install", ...quiet, tarball, "typescript", "@types/node");
  at("npx", "--no-install", "tsc", "-p", ".");
  for (const regulus of ["global/lib/node_modules/regulus/client/bin/regulus.js", "node_modules/regulus/client/bin/regulus.js"]) {
    await runUserPrograms({ folder: folder.path, regulus: join(folder.path, regulus) });
    console.log(`${regulus} ran a search`);
  }
} finally {
  folder.remove();
}
