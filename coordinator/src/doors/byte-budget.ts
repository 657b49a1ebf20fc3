/**
 * Bytes that calls may hold in memory together: a total, and a share of it that one caller may hold, so that one that reads nothing never
 * takes what others need. Who finds no room waits in line; whoever only waits for its own caller's share is passed by others.
 */
import { assert, RegulusError } from "@regulus/proto";

/** How much there is. */
export interface BudgetOptions {
  /** Bytes of all calls together. */
  readonly totalMax: number;
  /** Bytes of one caller's calls together. */
  readonly perCallerMax: number;
}

interface Waiting {
  readonly account: Account;
  readonly bytes: number;
  readonly grant: () => void;
  readonly refuse: (error: RegulusError) => void;
}

export class ByteBudget {
  readonly #options: BudgetOptions;
  readonly #byCaller = new Map<string, number>();
  #waiting: Waiting[] = [];
  #held = 0;
  #heldMost = 0;

  constructor(options: BudgetOptions) {
    this.#options = options;
  }

  /** Bytes that are held now. */
  get held(): number {
    return this.#held;
  }

  /** Most bytes that were ever held at once. */
  get heldMost(): number {
    return this.#heldMost;
  }

  /** Whether somebody waits because all calls together hold too much. */
  get isCrowded(): boolean {
    return this.#waiting.some(({ account, bytes }) => this.#mayHold(account.caller, bytes) && !this.#fits(bytes));
  }

  /** An account of a call. */
  open(caller: string): Account {
    return new Account(this, caller);
  }

  /** Takes bytes for an account now, or says that there is no room. Nobody who waits is passed by. */
  tryTake(account: Account, bytes: number): boolean {
    if (this.#waiting.length > 0 || !this.#mayHold(account.caller, bytes) || !this.#fits(bytes)) return false;
    this.#note(account.caller, bytes);
    return true;
  }

  /** Takes bytes for an account as soon as there is room. */
  take(account: Account, bytes: number): Promise<void> {
    return new Promise((grant, refuse) => {
      this.#waiting.push({ account, bytes, grant, refuse });
      this.#serve();
    });
  }

  give(account: Account, bytes: number): void {
    this.#note(account.caller, -bytes);
    if (this.#waiting.length > 0) this.#serve();
  }

  /** Ends the waiting of an account that is closed. */
  leave(account: Account): void {
    const leaving = this.#waiting.filter((waiting) => waiting.account === account);
    if (leaving.length === 0) return;
    this.#waiting = this.#waiting.filter((waiting) => waiting.account !== account);
    for (const { refuse } of leaving) refuse(gone());
    this.#serve();
  }

  #serve(): void {
    const waiting = this.#waiting;
    const left: Waiting[] = [];
    let full = false;
    for (const one of waiting) {
      const mayHold = this.#mayHold(one.account.caller, one.bytes);
      if (full || !mayHold || !this.#fits(one.bytes)) {
        left.push(one);
        // One that waits for the whole is next: smaller ones behind it would keep it waiting for ever.
        full ||= mayHold;
        continue;
      }
      this.#note(one.account.caller, one.bytes);
      one.account.granted(one.bytes);
      one.grant();
    }
    this.#waiting = left;
  }

  /** Who holds nothing may always take: a single large fact is no reason to wait for ever. */
  #mayHold(caller: string, bytes: number): boolean {
    const held = this.#byCaller.get(caller) ?? 0;
    return held === 0 || held + bytes <= this.#options.perCallerMax;
  }

  #fits(bytes: number): boolean {
    return this.#held === 0 || this.#held + bytes <= this.#options.totalMax;
  }

  #note(caller: string, bytes: number): void {
    const held = (this.#byCaller.get(caller) ?? 0) + bytes;
    assert(held >= 0, `${caller} gave back more bytes than it held`);
    if (held === 0) this.#byCaller.delete(caller);
    else this.#byCaller.set(caller, held);
    this.#held += bytes;
    this.#heldMost = Math.max(this.#heldMost, this.#held);
  }
}

/** The bytes of one call. What it holds when it is closed goes back. */
export class Account {
  readonly caller: string;
  readonly #budget: ByteBudget;
  #held = 0;
  /** Taken since `settle`. */
  #loose = 0;
  #closed = false;

  constructor(budget: ByteBudget, caller: string) {
    this.#budget = budget;
    this.caller = caller;
  }

  async take(bytes: number): Promise<void> {
    if (this.#closed) throw gone();
    if (!this.tryTake(bytes)) await this.#budget.take(this, bytes);
  }

  tryTake(bytes: number): boolean {
    if (this.#closed || !this.#budget.tryTake(this, bytes)) return false;
    this.granted(bytes);
    return true;
  }

  /** The budget gave bytes. */
  granted(bytes: number): void {
    this.#held += bytes;
    this.#loose += bytes;
  }

  /** Gives back bytes that were taken since `settle`. */
  give(bytes: number): void {
    if (this.#closed) return;
    this.#loose -= bytes;
    this.settled(bytes);
  }

  /** Gives back bytes that `settle` told of: they have gone out. What was taken since stays. */
  settled(bytes: number): void {
    if (this.#closed) return;
    this.#held -= bytes;
    this.#budget.give(this, bytes);
  }

  /** Makes held bytes those of another account of the same call. */
  move(bytes: number, to: Account): void {
    if (this.#closed) return;
    this.#held -= bytes;
    this.#loose -= bytes;
    to.granted(bytes);
  }

  /** Bytes that were taken since the last time: those of what goes out next. */
  settle(): number {
    const loose = this.#loose;
    this.#loose = 0;
    return loose;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#budget.leave(this);
    if (this.#held > 0) this.#budget.give(this, this.#held);
  }
}

const gone = (): RegulusError => new RegulusError("cancelled", "the call is over");
