/** The witness: it says what it was told whatever happened in between, and no error in its file makes it say anything that it was never told. */
import assert from "node:assert/strict";
import fs, { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { RegulusError } from "@regulus/proto";
import fc from "fast-check";
import Database from "libsql";
import { compareHeads, headsIn, named } from "./compare-heads.js";
import { crc32, seal, sealBytes, writeU32 } from "./seal.js";
import { SqliteFile } from "./sqlite-file.js";
import { readWitness, Witness, type WitnessedSearch } from "./witness.js";

const root = mkdtempSync(join(tmpdir(), "regulus-witness-"));
after(() => rmSync(root, { recursive: true, force: true }));
const isLoss = (thrown: unknown): boolean => thrown instanceof RegulusError && thrown.code === "data-loss";
const empty = { searches: new Map<number, WitnessedSearch>(), keyMax: 0 };

test("it says where each search ends, over removals, reopenings and ids of any length, and never a key twice", () => {
  const path = join(root, "model");
  const steps = fc.array(
    fc.oneof(
      {
        weight: 5,
        arbitrary: fc.array(
          fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 2 ** 40 }), fc.nat({ max: 2 ** 32 - 1 })),
          { minLength: 1, maxLength: 4 },
        ),
      },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 6 }) },
      { weight: 1, arbitrary: fc.constant("reopen" as const) },
    ),
    { minLength: 1, maxLength: 12 },
  );
  const idOf = (key: number) => (key === 6 ? "ü".repeat(100) : `search-${key}`);
  fc.assert(
    fc.property(steps, (taken) => {
      let witness = new Witness(path, empty);
      const model = new Map<number, WitnessedSearch>();
      let keyMax = 0;
      for (const step of taken) {
        if (step === "reopen") {
          witness.close();
          witness = new Witness(path, readWitness(path) ?? assert.fail("it is there"));
        } else if (typeof step === "number") {
          witness.removing(step);
          model.delete(step);
          keyMax = Math.max(keyMax, step);
        } else {
          const heads = step.map(([key, position, chain]) => ({ key, id: idOf(key), position, chain }));
          witness.moved(heads);
          for (const head of heads) model.set(head.key, head);
          keyMax = Math.max(keyMax, ...heads.map(({ key }) => key));
        }
        const said = readWitness(path);
        assert.deepEqual(said?.searches, model);
        assert.deepEqual([said?.keyMax, witness.keyMax], [keyMax, keyMax]);
      }
      witness.close();
      assert.equal(statSync(path).mode & 0o777, 0o600);
    }),
    { numRuns: 12 },
  );
});

test("what it was told is on the disk when it returns, and a new file is whole there before it takes the old one's place", () => {
  const path = join(root, "synced");
  const story: string[] = [];
  const real = { fdatasyncSync: fs.fdatasyncSync, fsyncSync: fs.fsyncSync, renameSync: fs.renameSync, writeSync: fs.writeSync };
  // Each call goes on to the system; it is written down on its way.
  for (const [name, call] of Object.entries(real)) {
    Object.assign(fs, {
      [name]: (...args: unknown[]): unknown => {
        story.push(name);
        return Reflect.apply(call, fs, args);
      },
    });
  }
  syncBuiltinESMExports();
  try {
    const witness = new Witness(path, empty);
    assert.deepEqual(story.splice(0), ["writeSync", "fsyncSync", "renameSync", "fsyncSync"]);
    witness.moved([{ key: 1, id: "a", position: 1, chain: 1 }]);
    assert.deepEqual(story.splice(0), ["writeSync", "fdatasyncSync"]);
    witness.removing(1);
    assert.deepEqual(story.splice(0), ["writeSync", "fdatasyncSync"]);
    witness.close();
  } finally {
    Object.assign(fs, real);
    syncBuiltinESMExports();
  }
});

test("any single bit that flips is noticed, or takes back the newest record alone, which a crash may tear", () => {
  const path = join(root, "flipped");
  const witness = new Witness(path, empty);
  const headAt = (key: number, position: number): WitnessedSearch => ({ key, id: `s${key}`, position, chain: position * 77 });
  for (const [key, position] of [
    [1, 3],
    [2, 1],
    [1, 9],
  ] as const)
    witness.moved([headAt(key, position)]);
  const before = readWitness(path) ?? assert.fail("it is there");
  witness.moved([headAt(2, 5)]);
  const whole = readWitness(path) ?? assert.fail("it is there");
  witness.close();
  const bytes = readFileSync(path);
  for (let bit = 0; bit < 8 * (whole.end + 12); bit += 3) {
    const flipped = Buffer.from(bytes.subarray(0, whole.end + 300));
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    writeFileSync(path, flipped);
    let said: ReturnType<typeof readWitness>;
    try {
      said = readWitness(path);
    } catch (thrown) {
      assert.ok(isLoss(thrown));
      continue;
    }
    const isNewest = said?.end === before.end;
    // The last four bytes of the header say nothing.
    assert.ok(bit >= 8 * before.end || (bit >= 96 && bit < 128), `bit ${bit}`);
    // A wrong length of the newest may reach past the file's end, as where that was cut.
    const { isCut: _isCut, ...told } = said ?? assert.fail("it is there");
    assert.deepEqual(told, isNewest ? before : whole);
  }
});

test("it is rewritten once it has grown, says the same after that, and loses no more than its newest record to a crash", () => {
  const path = join(root, "grown");
  const witness = new Witness(path, empty);
  const headAt = (position: number): WitnessedSearch => ({
    key: 1 + (position % 3),
    id: `search-${position % 3}`,
    position,
    chain: position * 7,
  });
  let [largest, before, anew] = [0, 0, 0];
  // A thousand at once, since each write is synced; 22 bytes each.
  for (let from = 0; from < 100_000; from += 1000) {
    witness.moved(Array.from({ length: 1000 }, (_, index) => headAt(from + index)));
    const { size } = statSync(path);
    if (size < before) anew += 1;
    before = size;
    largest = Math.max(largest, size);
  }
  witness.removing(2);
  assert.deepEqual([anew, largest > 2 ** 20, largest < 2 ** 21], [2, true, true]);
  const newest = [headAt(99_998), headAt(99_999)];
  const expected = new Map(newest.map((head) => [head.key, head]));
  const { end = 0, searches, keyMax } = readWitness(path) ?? {};
  assert.deepEqual([searches, keyMax], [expected, 3]);
  witness.moved([{ key: 4, id: "torn", position: 1, chain: 1 }]);
  witness.close();
  const bytes = readFileSync(path);
  for (let torn = end; torn < end + 34; torn += 1) {
    writeFileSync(path, Buffer.from(bytes).fill(0, torn));
    assert.deepEqual(readWitness(path)?.searches, expected, `torn after ${torn - end} bytes`);
  }
});

test("records that are moved, repeated or of another file are noticed", () => {
  const path = join(root, "moved");
  const witness = new Witness(path, empty);
  const ends = [readWitness(path)?.end ?? 0];
  for (const position of [1, 2, 3]) {
    witness.moved([{ key: 1, id: "a", position, chain: position }]);
    ends.push(readWitness(path)?.end ?? 0);
  }
  witness.close();
  const bytes = readFileSync(path);
  const [first = 0, , second = 0, third = 0] = ends;
  const record = bytes.subarray(second, third);
  const elsewhere = [
    Buffer.concat([bytes.subarray(0, second), record, record, Buffer.alloc(64)]),
    Buffer.concat([bytes.subarray(0, first), bytes.subarray(ends[1] ?? 0)]),
    Buffer.concat([bytes.subarray(0, second), Buffer.alloc(8), record, Buffer.alloc(64)]),
  ];
  for (const [index, damaged] of elsewhere.entries()) {
    writeFileSync(path, damaged);
    if (index === 0) assert.equal(readWitness(path)?.searches.get(1)?.position, 3);
    else assert.throws(() => readWitness(path), isLoss, `${index}`);
  }
  for (const short of [Buffer.alloc(0), bytes.subarray(0, 15), Buffer.from("no witness of Regulus, and long enough")]) {
    writeFileSync(path, short);
    assert.throws(() => readWitness(path), isLoss);
  }
  assert.equal(readWitness(join(root, "none")), undefined);
  // A later version's file is whole, and not ours to read.
  const later = Buffer.from(bytes);
  writeU32(later, 4, 2);
  writeU32(later, 8, crc32(later.subarray(0, 8)));
  writeFileSync(path, later);
  assert.throws(() => readWitness(path), /does not begin as it must/);
});

test("a log is compared with its witness search by search: longer is good, all else is a loss, by name", () => {
  const path = join(root, "compared.sqlite");
  const file = new SqliteFile(path);
  file.begin(undefined);
  const chains = [0];
  for (let position = 1; position <= 5; position += 1) {
    const row = Buffer.concat([Buffer.alloc(sealBytes), Buffer.from(`fact ${position}`)]);
    const chain = seal(row, chains[position - 1] ?? 0);
    file.prepare("INSERT INTO facts VALUES (4, ?, 0, ?)").run(position, row);
    chains.push(chain);
  }
  file.prepare("INSERT INTO searches VALUES (4, 'grün', 5, ?)").run(chains[5]);
  file.prepare("INSERT INTO searches VALUES (2, 'other', 1, 9)").run();
  const heads = headsIn(file);
  assert.deepEqual(heads, [
    { key: 2, id: "other", position: 1, chain: 9 },
    { key: 4, id: "grün", position: 5, chain: chains[5] },
  ]);
  const loss = (...searches: readonly WitnessedSearch[]): string => {
    try {
      compareHeads(file, heads, { searches: new Map(searches.map((one) => [one.key, one])), keyMax: 9, end: 0 });
      return "";
    } catch (thrown) {
      assert.ok(isLoss(thrown));
      return thrown instanceof Error ? thrown.message : "";
    }
  };
  const seen = (position: number, chain = chains[position] ?? 0): WitnessedSearch => ({ key: 4, id: "grün", position, chain });
  for (let position = 1; position <= 5; position += 1) assert.equal(loss(seen(position)), "", `${position}`);
  assert.equal(loss(), "");
  assert.match(loss(seen(6)), /search grün ends at position 5, but was acknowledged up to position 6/);
  assert.match(loss(seen(5, 1)), /search grün has other facts up to 5 than were acknowledged/);
  assert.match(loss(seen(3, 1)), /search grün has other facts up to 3 than were acknowledged/);
  assert.match(loss({ ...seen(5), id: "another" }), /search another is missing, with 5 acknowledged facts/);
  assert.match(
    loss({ key: 3, id: "gone", position: 2, chain: 1 }, seen(6)),
    /search gone is missing, with 2 acknowledged facts; search grün ends/,
  );
  file.close();
});

test("many losses are told by the first five and the number of the others", () => {
  const losses = ["a", "b", "c", "d", "e", "f", "g"];
  assert.equal(named(losses), "a; b; c; d; e; and 2 more searches");
  assert.equal(named(losses.slice(0, 5)), "a; b; c; d; e");
});

test("a row of the list of searches that can't be one is damage", () => {
  for (const [index, values] of ["(1, 'a', 0, 1)", "(1, 'a', -3, 1)", "(0, 'a', 1, 1)"].entries()) {
    const path = join(root, `heads-${index}.sqlite`);
    const made = new SqliteFile(path);
    made.begin(undefined);
    made.close();
    const db = new Database(path);
    db.exec(`INSERT INTO searches VALUES ${values}`);
    db.close();
    const file = new SqliteFile(path);
    file.begin(undefined);
    assert.throws(() => headsIn(file), isLoss, values);
    file.close();
  }
});
