/** Shared parts of tests of doors. */
export { type IssuedFiles, TestAuthority } from "./test-authority.js";
