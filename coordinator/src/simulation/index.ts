/** The whole cluster in one process under virtual time, for tests of what crosses rooms. */
export { type Faults, type Life, type LifeResult, lifeOf, live, quietFaults } from "./simulate.js";
export type { OpenSession, SimulatedRequest, SimulatedSession } from "./simulated-session.js";
