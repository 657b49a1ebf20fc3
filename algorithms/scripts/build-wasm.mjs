// Compiles assembly/ to the generated modules of src/. `--check` writes nothing and fails where a committed file is not what the sources give.
// AssemblyScript's output depends on the sources and on its version alone, which the lock file pins.
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const room = resolve(fileURLToPath(import.meta.url), "../..");

/** Entry in assembly/, what it becomes, and its builds: the name of the constant, what is said of it, and flags. */
const modules = [
  {
    entry: "index.ts",
    target: "src/kernels/wasm/module.generated.ts",
    // Over the memory of tfjs's module, whose own data begins at 1024: tables of ours lie below it.
    memory: ["--importMemory", "--noExportMemory", "--initialMemory", "0", "--memoryBase", "16"],
    builds: [
      { name: "MODULE_BASE64", features: [] },
      {
        name: "RELAXED_MODULE_BASE64",
        says: "With relaxed SIMD: products and sums in one instruction.",
        features: ["relaxed-simd"],
      },
    ],
  },
  {
    entry: "experts.ts",
    target: "src/solvers/problems/experts-module.generated.ts",
    memory: ["--initialMemory", "1"],
    builds: [{ name: "EXPERTS_MODULE_BASE64", features: [] }],
  },
];

for (const module of modules) {
  const target = join(room, module.target);
  const text = await generatedModule(module);
  if (!process.argv.includes("--check")) writeFileSync(target, text);
  else if (readFileSync(target, "utf8") !== text) {
    console.error(`algorithms/${module.target} is not what algorithms/assembly gives: run npm run generate`);
    process.exit(1);
  }
}

/** The text of a generated file. */
async function generatedModule({ entry, memory, builds }) {
  const lines = [`/** Compiled from algorithms/assembly/${entry} by algorithms/scripts/build-wasm.mjs. Do not edit. */`];
  for (const { name, says, features } of builds) {
    if (says !== undefined) lines.push(`/** ${says} */`);
    lines.push(constant(name, await compile(entry, [...memory, ...features.flatMap((feature) => ["--enable", feature])])));
  }
  return `${lines.join("\n")}\n`;
}

async function compile(entry, flags) {
  const runtime = ["--runtime", "stub", "--use", "abort="];
  const optimize = ["-O3", "--converge", "--noAssert", "--enable", "simd"];
  let bytes;
  const result = await asc.main(
    [entry, ...runtime, ...optimize, ...flags, "--baseDir", join(room, "assembly"), "--outFile", "module.wasm"],
    {
      writeFile: (name, contents) => {
        if (name === "module.wasm") bytes = contents;
      },
    },
  );
  if (result.error || bytes === undefined) {
    console.error(`assembly/${entry} does not compile:\n${result.stderr.toString()}`);
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
