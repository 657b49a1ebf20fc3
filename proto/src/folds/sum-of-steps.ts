/** Steps added up: past what a message can hold the sum stays there, so that no search can make its own row, or a listing, fail. */
export function sumOfSteps(sum: number, more: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, sum + more);
}
