/** The whole cluster in one process under virtual time, for tests of what crosses rooms. */

export { type Faults, type Life, type LifeResult, lifeOf, quietFaults } from "./life.js";
export { type DamageTrial, tryDamage, type Verdict, type Whole } from "./log-damage.js";
export { live } from "./simulate.js";
export type { OpenSession, SimulatedRequest, SimulatedSession } from "./simulated-session.js";
export { type Ending, writeLog } from "./write-log.js";
