/** What the coordinator says of its cluster for a log, beside the facts: who came and went, and which leases were taken back. Never part of a decision. */

/** One line of a log. */
export interface Notice {
  readonly message: string;
  /** Whether somebody has to look into it. */
  readonly isWarning?: boolean;
  readonly fields: Readonly<Record<string, string | number | boolean>>;
}

/** Takes notices. Must not throw. */
export type Notify = (notice: Notice) => void;
