/** A count with its noun, in the number that it needs: "1 step", "2 steps". Every message that counts something uses it. */

/** @param plural for a noun that takes more than an "s" */
export function counted(count: number, noun: string, plural?: string): string {
  return `${count} ${nounOf(count, noun, plural)}`;
}

/** The noun alone, for those who write the count in their own way. */
export function nounOf(count: number, noun: string, plural = `${noun}s`): string {
  return count === 1 ? noun : plural;
}
