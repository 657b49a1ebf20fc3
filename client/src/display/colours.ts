/** Whether what is written to a stream is coloured. */

/**
 * True for a terminal, unless it is a dumb one. NO_COLOR and FORCE_COLOR decide otherwise where they are set and not empty, as
 * no-color.org and force-color.org have it; NO_COLOR wins, and FORCE_COLOR=0 asks for none. Nothing else of the environment counts: a pipe of
 * continuous integration is a pipe.
 */
export function areColoursWanted(
  stream: { readonly isTTY?: boolean | undefined },
  env: NodeJS.ProcessEnv = process.env,
): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== "0";
  return stream.isTTY === true && env.TERM !== "dumb";
}
