/** A coordinator's problems name fields of the message; people who wrote a file want the file's names. */
import { filePath, RegulusError, type SearchSpec, specToDocument } from "@regulus/proto";

/** The same error with the file's paths. `spec` is what the file held. */
export function asFileProblems(error: RegulusError, spec: SearchSpec): RegulusError {
  if (error.problems.length === 0) return error;
  const document = specToDocument(spec);
  return RegulusError.invalid(error.problems.map((problem) => ({ ...problem, field: filePath(problem.field, spec, document) })));
}
