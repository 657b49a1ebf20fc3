/** Runs the diagnostic suite over everything registered. */
import { diagnostics } from "../diagnostics/index.js";
import { testDiagnostic } from "./diagnostic.js";

for (const diagnostic of diagnostics.values()) testDiagnostic(diagnostic);
