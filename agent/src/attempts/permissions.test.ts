import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, test } from "node:test";
import { EndReason } from "@regulus/proto";
import { testSpec } from "../testing/test-agent.js";
import { Permissions } from "./permissions.js";

const folder = realpathSync(mkdtempSync(join(tmpdir(), "regulus-permissions-")));
after(() => rmSync(folder, { recursive: true }));
const allowed = join(folder, "allowed");
mkdirSync(allowed);
writeFileSync(join(allowed, "mine.js"), "");
writeFileSync(join(folder, "other.js"), "");
symlinkSync(join(folder, "other.js"), join(allowed, "link.js"));

const none = new Permissions({ allowCommands: false, allowModules: undefined });
const some = new Permissions({ allowCommands: true, allowModules: allowed });
const withModule = (module: string) => testSpec({ workload: { module, options: { depth: 2 } } });

test("programs run only where the owner allowed them; the refusal lets another agent try", () => {
  const refused = none.check(testSpec(), "command");
  assert.ok(refused.kind === "refused");
  assert.equal(refused.reason, EndReason.END_REASON_LOST);
  assert.match(refused.message, /--allow-commands/);
  assert.equal(some.check(testSpec(), "command").kind, "allowed");
  assert.equal(none.check(testSpec(), "fit").kind, "allowed");
  const answering = testSpec({ command: { argv: ["true"] } });
  assert.equal(none.check(answering, "respond").kind, "refused", "whatever the procedure");
  assert.equal(some.check(answering, "respond").kind, "allowed");
});

test("the example's path is valid on an agent started as its README says", () => {
  const root = join(import.meta.dirname, "../../..");
  const path = join("examples", "module", "two-moons.mjs");
  const agent = new Permissions({ allowCommands: false, allowModules: join(root, "examples/module") });
  const fromRoot = relative(process.cwd(), join(root, path));
  const found = agent.check(withModule(fromRoot), "fit");
  assert.ok(found.kind === "allowed");
  assert.equal(found.spec.workload?.module, realpathSync(join(root, path)));
});

test("modules load only from below the allowed folder, whatever way the path takes", () => {
  assert.equal(none.check(withModule(join(allowed, "mine.js")), "fit").kind, "refused");
  const fromHere = relative(process.cwd(), join(allowed, "mine.js"));
  for (const module of [join(allowed, "mine.js"), "mine.js", fromHere, join(allowed, "..", "allowed", "mine.js")]) {
    const found = some.check(withModule(module), "fit");
    assert.ok(found.kind === "allowed", module);
    assert.equal(found.spec.workload?.module, join(allowed, "mine.js"));
    assert.deepEqual(found.spec.workload?.options, { depth: 2 });
  }
  const otherFromHere = relative(process.cwd(), join(folder, "other.js"));
  for (const module of [
    join(folder, "other.js"),
    otherFromHere,
    "../other.js",
    "link.js",
    `${allowed}-beside/x.js`,
    "absent.js",
    ".",
  ]) {
    const found = some.check(withModule(module), "fit");
    assert.ok(found.kind === "refused", module);
    assert.equal(found.reason, EndReason.END_REASON_USER_ERROR);
  }
});
