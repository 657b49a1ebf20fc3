// Compiles assembly/ to src/kernels/wasm/module.generated.ts, with and without relaxed SIMD. `--check` writes nothing and fails where the committed file is not what the
// sources give. AssemblyScript's output depends on the sources and on its version alone, which the lock file pins.
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const room = resolve(fileURLToPath(import.meta.url), "../..");
const target = join(room, "src/kernels/wasm/module.generated.ts");

const text = await generatedModule();
if (!process.argv.includes("--check")) writeFileSync(target, text);
else if (readFileSync(target, "utf8") !== text) {
  console.error("algorithms/src/kernels/wasm/module.generated.ts is not what algorithms/assembly gives: run npm run generate");
  process.exit(1);
}

/** The text of the generated file. */
async function generatedModule() {
  const [plain, relaxed] = [await compile([]), await compile(["--enable", "relaxed-simd"])];
  return [
    "/** Compiled from algorithms/assembly by algorithms/scripts/build-wasm.mjs. Do not edit. */",
    constant("MODULE_BASE64", plain),
    "/** With relaxed SIMD: products and sums in one instruction. */",
    constant("RELAXED_MODULE_BASE64", relaxed),
    "",
  ].join("\n");
}

async function compile(features) {
  const flags = ["--runtime", "stub", "--importMemory", "--noExportMemory", "--initialMemory", "0", "--use", "abort="];
  const optimize = ["-O3", "--converge", "--noAssert", "--enable", "simd", ...features];
  let bytes;
  const result = await asc.main(
    ["index.ts", ...flags, ...optimize, "--baseDir", join(room, "assembly"), "--outFile", "kernels.wasm"],
    {
      writeFile: (name, contents) => {
        if (name === "kernels.wasm") bytes = contents;
      },
    },
  );
  if (result.error || bytes === undefined) {
    console.error(`assembly/ does not compile:\n${result.stderr.toString()}`);
    process.exit(1);
  }
  return bytes;
}

function constant(name, bytes) {
  const lines =
    Buffer.from(bytes)
      .toString("base64")
      .match(/.{1,120}/g) ?? [];
  return `export const ${name} =\n${lines.map((line) => `  "${line}"`).join(" +\n")};`;
}
