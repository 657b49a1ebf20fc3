/** Log lines about the cluster, besides the facts: agents that came and left, leases taken back. Never part of a decision. */

/** One line of a log. */
export interface Notice {
  readonly message: string;
  /** Whether somebody has to look into it. */
  readonly isWarning?: boolean;
  readonly fields: Readonly<Record<string, string | number | boolean>>;
}

/** Takes notices. Must not throw. */
export type Notify = (notice: Notice) => void;
