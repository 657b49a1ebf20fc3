/** The part of JavaScript's WebAssembly interface that Regulus uses; Node's types leave it out and a browser's bring far too much. */
declare namespace WebAssembly {
  function validate(bytes: Uint8Array): boolean;
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Memory {
    /** @param size in pages of 64 KiB. */
    constructor(size: { readonly initial: number });
    private readonly memory: unique symbol;
    readonly buffer: ArrayBuffer;
    /** By so many pages of 64 KiB; throws a RangeError where there is no room. */
    grow(pages: number): number;
  }
  class Global {
    private readonly global: unique symbol;
    readonly value: unknown;
  }
  type Exports = Readonly<Record<string, unknown>>;
  class Instance {
    constructor(module: Module, imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>);
    readonly exports: Exports;
  }
}
