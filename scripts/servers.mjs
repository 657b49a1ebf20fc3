// The real servers and programs that tests start for themselves. Installs what is missing where it can (Debian, as root) and
// otherwise says what to install; it never lets a test be skipped in silence.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

/** Program that tests start or file that they read, and the Debian package that brings it. */
const needed = [
  ["nats-server", "nats-server"],
  ["prometheus", "prometheus"],
  ["promtool", "prometheus"],
  ["chromium", "chromium"],
  ["python3", "python3"],
  ["openssl", "openssl"],
  ["protoc", "protobuf-compiler"],
  ["grpc_python_plugin", "protobuf-compiler-grpc"],
  ["/usr/include/google/protobuf/struct.proto", "libprotobuf-dev"],
];

const has = (program) =>
  program.startsWith("/")
    ? existsSync(program)
    : spawnSync("sh", ["-c", `command -v ${program}`], { stdio: "ignore" }).status === 0;
const missing = needed.filter(([program]) => !has(program)).map(([, name]) => name);
// A module of Debian's own Python, which need not be the first one on the PATH.
const hasModule = spawnSync("/usr/bin/python3", ["-c", "import grpc, google.protobuf"], { stdio: "ignore" }).status === 0;
const packages = [...new Set([...missing, ...(hasModule ? [] : ["python3-grpcio"])])];

if (packages.length > 0) {
  const install = `apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ${packages.join(" ")}`;
  if (process.getuid?.() !== 0 || !has("apt-get")) {
    console.error(
      `Tests need programs of these packages: ${packages.join(", ")}. On Debian or Ubuntu:\n  sudo sh -c '${install}'`,
    );
    process.exit(1);
  }
  console.error(`installing for the tests: ${packages.join(", ")}`);
  const result = spawnSync("sh", ["-c", install], { stdio: ["ignore", "ignore", "inherit"] });
  if (result.status !== 0) {
    console.error(`could not install ${packages.join(", ")}; tried: ${install}`);
    process.exit(1);
  }
}
