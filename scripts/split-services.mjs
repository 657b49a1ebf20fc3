// ts-proto writes messages and gRPC services into one file. The messages belong to the contract, which knows no gRPC; services and their clients
// go to the room for transport, as a file of the same name.
const grpcImport = /^import \{[^}]*\} from "@grpc\/grpc-js";\n/m;

/** Splits a generated file that holds a service; `services` is undefined where it holds none. */
export function splitServices(text) {
  const grpc = grpcImport.exec(text)?.[0];
  if (grpc === undefined) return { messages: text, services: undefined };
  const start = text.search(/\n(\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?export type \w+Service = typeof \w+Service;/) + 1;
  const last = text.lastIndexOf("\n  serviceName: string;\n};\n");
  const end = last + "\n  serviceName: string;\n};\n".length;
  if (start === 0 || last < 0) throw new Error("generate: a file imports grpc-js and holds no service where one is expected");
  const service = text.slice(start, end);
  const head = text.slice(0, text.indexOf("import "));
  const declared = [...text.matchAll(/^(?:export (?:interface|const|type) |import \{?)(\w+)/gm)].map((match) => match[1]);
  const imported = [...text.matchAll(/^import \{([^}]*)\} from "\.\/[^"]+";/gm)].flatMap((match) =>
    match[1].split(",").map((name) => name.trim()),
  );
  const own = new Set([...service.matchAll(/^export (?:interface|const|type) (\w+)/gm)].map((match) => match[1]));
  const used = [...new Set([...declared, ...imported])]
    .filter((name) => name !== "" && !own.has(name) && isUsed(name, service))
    .sort();
  const services = `${head}${grpc}import { ${used.join(", ")} } from "@regulus/proto";\n\n${service}`;
  return { messages: withoutUnusedImports(text.slice(0, start) + text.slice(end + 1)).replace(grpcImport, ""), services };
}

function withoutUnusedImports(text) {
  return text.replace(/^import \{([^}]*)\} from ("\.\/[^"]+");\n/gm, (whole, names, from) => {
    const rest = text.replace(whole, "");
    const kept = names
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== "" && isUsed(name, rest));
    return kept.length === 0 ? "" : `import { ${kept.join(", ")} } from ${from};\n`;
  });
}

const isUsed = (name, code) => new RegExp(`\\b${name}\\b`).test(code.replace(/\/\*\*[\s\S]*?\*\//g, ""));
