/** Resumes from a checkpoint file. Reports a damaged one, so that the coordinator falls back to the one before. */
import { RegulusError } from "@regulus/proto";
import type { FromTrial } from "./messages.js";

/** Does the work that reads the checkpoint. A failure of code "data-loss" is told, and thrown on; others are the agent's or the user's. */
export async function restoring<T>(send: (message: FromTrial) => void, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RegulusError && error.code === "data-loss") send({ kind: "unrestorable", message: error.message });
    throw error;
  }
}
