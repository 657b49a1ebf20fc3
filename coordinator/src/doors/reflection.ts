/**
 * Standard gRPC server reflection over the contract and the health service. Reading the .proto files takes a tenth of the time of a start, and few
 * callers ever ask: they are read at the first question.
 */
import { createRequire } from "node:module";
import { dirname } from "node:path";
import type {
  handleBidiStreamingCall,
  MethodDefinition,
  Server,
  ServiceDefinition,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";
import { protoPath as healthProtoPath } from "grpc-health-check";

/** The method of both published versions of the protocol. */
const paths = ["v1", "v1alpha"].map((version) => `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`);

type Handler = handleBidiStreamingCall<unknown, unknown>;

/** A method as the library would have added it. */
interface Method {
  readonly definition: MethodDefinition<unknown, unknown>;
  readonly handler: Handler;
}

/** Adds the service, whose codecs and handlers are made when the first message arrives. */
export function addReflection(server: Pick<Server, "addService">): void {
  let loaded: ReadonlyMap<string, Method> | undefined;
  const methodOf = (path: string): Method => {
    loaded ??= loadMethods();
    const method = loaded.get(path);
    if (method === undefined) throw new Error(`bug: the reflection library has no method ${path}`);
    return method;
  };
  for (const path of paths) {
    const method: MethodDefinition<unknown, unknown> = {
      path,
      requestStream: true,
      responseStream: true,
      requestSerialize: (value) => methodOf(path).definition.requestSerialize(value),
      requestDeserialize: (bytes) => methodOf(path).definition.requestDeserialize(bytes),
      responseSerialize: (value) => methodOf(path).definition.responseSerialize(value),
      responseDeserialize: (bytes) => methodOf(path).definition.responseDeserialize(bytes),
    };
    const handler: Handler = (call) => {
      methodOf(path).handler(call);
      // The library answers each question at once: no more are read while answers wait for their reader.
      call.on("data", () => {
        if (call.writableNeedDrain) call.pause();
      });
      call.on("drain", () => call.resume());
    };
    server.addService({ info: method }, { info: handler });
  }
}

/** The library's methods by their path. */
function loadMethods(): ReadonlyMap<string, Method> {
  const methods = new Map<string, Method>();
  const addService = (service: ServiceDefinition, handlers: UntypedServiceImplementation): void => {
    for (const [name, definition] of Object.entries(service)) {
      const handler = handlers[name] ?? handlers[definition.originalName ?? name];
      if (handler === undefined) continue;
      methods.set(definition.path, { definition, handler: (call) => void Reflect.apply(handler, handlers, [call]) });
    }
  };
  new ReflectionService({ ...loadContract(), ...loadSync(healthProtoPath, { keepCase: true }) }).addToServer({ addService });
  return methods;
}

function loadContract(): ReturnType<typeof loadSync> {
  const service = createRequire(import.meta.url).resolve("@regulus/proto/regulus/v1/search_service.proto");
  const files = ["search_service", "agent_service", "artifact_service", "problem"].map((name) => `regulus/v1/${name}.proto`);
  return loadSync(files, { includeDirs: [dirname(dirname(dirname(service)))], keepCase: true });
}
