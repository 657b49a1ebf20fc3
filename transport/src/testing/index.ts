/** What tests of doors share. */
export { type IssuedFiles, TestAuthority } from "./test-authority.js";
