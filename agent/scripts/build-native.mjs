// Builds the native addon of @tensorflow/tfjs-node (or -gpu) 4.22 against the TensorFlow library inside an installed Python wheel, current
// TensorFlow and current CUDA included; the addon that npm publishes is of TensorFlow 2.9 and CUDA 11 and comes from outside the registry.
// Run by hand or by an image's build (docs/backends.md), never at install. It downloads nothing and writes into the npm package's folder only.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";

const USAGE = `usage: npm run build-native -w agent -- [--python PATH] [--gpu] [--package DIRECTORY]
  --python PATH        a Python, or a virtual environment's folder, that has tensorflow or tensorflow-cpu installed
                       (default: $VIRTUAL_ENV, else python3)
  --gpu                build @tensorflow/tfjs-node-gpu
  --package DIRECTORY  folder of the npm package (default: the one that the agent would import)`;
/** Versions of the npm package whose C++ is known to compile with the flags below. */
const PACKAGE_VERSIONS = /^4\.22\./;
/** Where the user stands: npm changes to the workspace's folder first. */
const CALLED_FROM = process.env.INIT_CWD ?? process.cwd();
const BUILD_LIMIT_MS = 9 * 60_000;

try {
  main();
} catch (error) {
  console.error(`build-native: ${error.message}`);
  process.exit(1);
}

function main() {
  const { values } = parseArgs({
    options: { python: { type: "string" }, gpu: { type: "boolean" }, package: { type: "string" }, help: { type: "boolean" } },
  });
  if (values.help) return console.log(USAGE);
  if (process.platform !== "linux")
    throw new Error(`builds on Linux only, this is ${process.platform}; there use the wasm or webgpu backend`);
  const wheel = findWheel(values.python);
  const target = findPackage(values.gpu ? "@tensorflow/tfjs-node-gpu" : "@tensorflow/tfjs-node", values.package);
  const prefix = findNodeHeaders();
  const gyp = findTools();
  console.error(
    `TensorFlow ${wheel.version} in ${wheel.folder}\n${target.name} ${target.version} in ${target.folder}\nNode's headers in ${prefix}`,
  );
  linkLibrary(wheel, target);
  compile({ wheel, target, prefix, gyp });
  tryOut(target);
}

/** The installed TensorFlow: its folder, which holds the headers and the library, and its version. */
function findWheel(given) {
  const python = pythonProgram(given);
  const script = [
    "import importlib.metadata as m, importlib.util as u, json",
    "spec = u.find_spec('tensorflow')",
    "names = ['tensorflow', 'tensorflow-cpu', 'tensorflow-intel', 'tf-nightly']",
    "found = [d.version for d in m.distributions() if (d.metadata['Name'] or '').lower().replace('_', '-') in names]",
    "print(json.dumps({'folder': spec.submodule_search_locations[0] if spec else None, 'version': found[0] if found else 'of unknown version'}))",
  ].join("\n");
  const { status, stdout, stderr, error } = spawnSync(python, ["-c", script], { encoding: "utf8" });
  if (error) throw new Error(`can't run ${python} (${error.code}); give --python a Python 3 or a virtual environment`);
  if (status !== 0) throw new Error(`${python} failed:\n${stderr}`);
  const { folder, version } = JSON.parse(stdout);
  if (folder === null)
    throw new Error(
      `${python} has no tensorflow; install it with: ${python} -m pip install tensorflow-cpu (or tensorflow[and-cuda])`,
    );
  const needed = [
    "include/tensorflow/c/c_api.h",
    "include/tensorflow/c/eager/c_api.h",
    "libtensorflow_cc.so.2",
    "libtensorflow_framework.so.2",
  ];
  const missing = needed.filter((file) => !existsSync(join(folder, file)));
  if (missing.length > 0)
    throw new Error(
      `TensorFlow ${version} in ${folder} lacks ${missing.join(", ")}; expected a wheel of 2.10 or newer for Linux`,
    );
  return { folder, version };
}

function pythonProgram(given) {
  const path = given === undefined ? process.env.VIRTUAL_ENV : resolve(CALLED_FROM, given);
  if (path === undefined) return "python3";
  const inside = join(path, "bin/python");
  if (existsSync(inside)) return inside;
  if (!existsSync(path)) throw new Error(`${path} does not exist; expected a Python or the folder of a virtual environment`);
  return path;
}

/** The npm package to build for. */
function findPackage(name, given) {
  const install = `npm install --no-save --ignore-scripts ${name}@4.22.0`;
  let manifest;
  try {
    manifest =
      given === undefined
        ? createRequire(import.meta.url).resolve(`${name}/package.json`)
        : resolve(CALLED_FROM, given, "package.json");
    readFileSync(manifest);
  } catch {
    throw new Error(
      `npm package ${name} is not ${given === undefined ? "installed" : `in ${given}`}; install it with: ${install}`,
    );
  }
  const { name: found, version } = JSON.parse(readFileSync(manifest, "utf8"));
  if (found !== name)
    throw new Error(`${dirname(manifest)} holds ${found}, expected ${name}${found?.endsWith("-gpu") ? "; give --gpu" : ""}`);
  if (!PACKAGE_VERSIONS.test(version))
    throw new Error(`${name} is of version ${version}, expected 4.22; install it with: ${install}`);
  return { name, version, folder: dirname(manifest) };
}

/** The prefix whose include/node holds Node's headers, for node-gyp not to download them. */
function findNodeHeaders() {
  const prefixes = [process.env.npm_config_nodedir, dirname(dirname(process.execPath))].filter((prefix) => prefix !== undefined);
  const found = prefixes.find((prefix) => existsSync(join(prefix, "include/node/node_api.h")));
  if (found !== undefined) return found;
  throw new Error(
    `no include/node/node_api.h in ${prefixes.join(" or ")}; Node's own archives and images have it, Debian has it in libnode-dev; or set npm_config_nodedir`,
  );
}

/** node-gyp's entry file; npm brings one. */
function findTools() {
  for (const [tool, from] of [["make", "make"], ["g++", "g++"], ["python3", "python3"]]) // biome-ignore format: pairs
    if (spawnSync(tool, ["--version"]).error) throw new Error(`${tool} is not installed; on Debian: apt-get install ${from}`);
  const roots = [
    process.env.npm_execpath && dirname(dirname(process.env.npm_execpath)),
    join(dirname(dirname(process.execPath)), "lib/node_modules/npm"),
  ];
  const files = roots.filter(Boolean).map((root) => join(root, "node_modules/node-gyp/bin/node-gyp.js"));
  const found = files.find((file) => existsSync(file));
  if (found === undefined)
    throw new Error(`no node-gyp in ${files.join(" or ")}; run this by npm: npm run build-native -w agent`);
  return found;
}

/**
 * Points the package's deps folder at the wheel. Only names for the linker are made there: at run time the library is found by its own folder
 * (the run path below), so that it also finds the CUDA libraries that lie relative to it.
 */
function linkLibrary({ folder }, target) {
  const deps = join(target.folder, "deps");
  rmSync(deps, { recursive: true, force: true });
  mkdirSync(join(deps, "lib"), { recursive: true });
  symlinkSync(join(folder, "include"), join(deps, "include"));
  symlinkSync(join(folder, "libtensorflow_cc.so.2"), join(deps, "lib/libtensorflow.so"));
  symlinkSync(join(folder, "libtensorflow_framework.so.2"), join(deps, "lib/libtensorflow_framework.so"));
}

function compile({ wheel, target, prefix, gyp }) {
  const flags = [
    `--nodedir=${prefix}`,
    "--module_name=tfjs_binding",
    `--module_path=${join(target.folder, "lib/napi-v8")}`,
    "--napi_build_version=8",
  ];
  const env = { ...process.env, CXXFLAGS: "-std=c++17 -fpermissive -w", LDFLAGS: `-Wl,-rpath,${wheel.folder}` };
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [gyp, "rebuild", ...flags], {
    cwd: target.folder,
    env,
    encoding: "utf8",
    timeout: BUILD_LIMIT_MS,
  });
  if (signal !== null) throw new Error(`node-gyp was stopped by ${signal}; the build has ${BUILD_LIMIT_MS / 60_000} minutes`);
  if (status !== 0) throw new Error(`node-gyp failed with ${status}:\n${stdout}\n${stderr}`);
}

/** Loads the addon in a process of its own and multiplies once. */
function tryOut(target) {
  const script = `
    const tf = require(${JSON.stringify(target.folder)});
    const seen = tf.matMul(tf.ones([64, 64]), tf.ones([64, 64])).dataSync()[0];
    if (tf.getBackend() !== "tensorflow" || seen !== 64) throw new Error("a product on " + tf.getBackend() + " gave " + seen + ", expected 64 on tensorflow");`;
  const { status, stderr } = spawnSync(process.execPath, ["-e", script], {
    encoding: "utf8",
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: "2" },
  });
  if (status !== 0) throw new Error(`the addon was built but does not work:\n${stderr}`);
  console.error("built, loaded and multiplied");
  console.log(JSON.stringify({ built: target.name, folder: target.folder }));
}
