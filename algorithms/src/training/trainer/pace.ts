/**
 * The default cadence of measurements: about forty times a trial, but more seldom where measuring would take more
 * than about a tenth of the training time, though at least five times.
 */
const measurementsWanted = 40;
const measurementsLeast = 5;
/** Largest share of the training time that measuring may take. */
const shareMax = 0.1;
/** A row's forward and backward pass over its forward pass alone. */
const passesPerStep = 3;

/** Steps between two measurements. @param rows rows that one measurement computes forward. @param batchSize rows of a step. */
export function measureEverySteps(trial: { steps: number; rows: number; batchSize: number }): number {
  const affordable = trial.rows / (passesPerStep * trial.batchSize * shareMax);
  const wanted = Math.max(trial.steps / measurementsWanted, affordable);
  return Math.max(1, Math.ceil(Math.min(wanted, trial.steps / measurementsLeast)));
}
