/** Images for denoising, as pairs, as samples of bilevel problems and as files. No tfjs. */
export * from "./denoising-images.js";
export * from "./denoising-options.js";
export * from "./denoising-samples.js";
export * from "./grey-png.js";
export * from "./photographs.js";
