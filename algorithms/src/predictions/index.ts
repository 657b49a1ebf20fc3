/** Predictions as files: what trials leave, and what combines and measures them. Pure. */
export * from "./byte-source.js";
export * from "./prediction-score.js";
export * from "./predictions-file.js";
