/** Ends a program whose reader closes the pipe early, as `npm run reproduce -- maid | head` does. */

/** What a shell shows of a program that a closed pipe ended: nobody was told the verdict, so that it is neither a success nor a failed claim. */
const endedByPipe = 141;

/** Ends the process without a complaint once nobody reads its results any more. Words to a standard error that nobody reads are dropped. */
export function endWithReader(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(endedByPipe);
    throw error;
  });
  process.stderr.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}
