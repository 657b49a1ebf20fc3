/** Opens a session that trains a model: what is open already is closed where the rest fails. */
import type { Session, TrialRequest } from "../contracts/procedure.js";
import { setUpTrial, type TrialSetup } from "./trial-setup.js";

/** A session that takes up where a checkpoint stands. */
interface RestoredSession extends Session {
  restore(checkpoint: NonNullable<TrialRequest["checkpoint"]>): void;
}

/**
 * @param make a session over what was set up, which it closes.
 * @param tunesInside whether the session moves hyperparameters inside training.
 */
export async function openSession(
  request: TrialRequest,
  make: (setup: TrialSetup) => RestoredSession | Promise<RestoredSession>,
  { tunesInside = false }: { readonly tunesInside?: boolean } = {},
): Promise<Session> {
  const setup = await setUpTrial(request, { tunesInside });
  let session: RestoredSession | undefined;
  try {
    session = await make(setup);
    if (request.checkpoint !== undefined) session.restore(request.checkpoint);
    return session;
  } catch (error) {
    if (session === undefined) setup.task.close();
    else session.close();
    throw error;
  }
}
