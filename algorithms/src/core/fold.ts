/**
 * The one idea of Regulus: a state is an initial value and one function that takes a fact (ARCHITECTURE.md).
 */

/** Something that is folded from facts. It owns its state and may change it in place; a copy for every fact is quadratic. */
export interface Fold<State, Input> {
  init(): State;
  tell(state: State, fact: Input): State;
}
