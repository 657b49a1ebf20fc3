/**
 * `npm run reproduce -- PAPER [--seed N] [--seeds N] [--json]`: runs a paper's claims and prints each with its statement, threshold, measured
 * numbers and verdict; the last line is one JSON object. Exit code 1 where a claim does not hold, 2 where the command is wrong.
 */
import { parseArgs } from "node:util";
import { endWithReader } from "../end-with-reader.js";
import { boRep } from "./bo-rep.js";
import type { ClaimResult, Reproduction } from "./claim.js";
import { maidReproduction } from "./maid.js";
import { Progress } from "./progress.js";
import { psKd } from "./ps-kd.js";
import { selfTuningNetworks } from "./self-tuning-networks.js";

const papers: readonly Reproduction[] = [selfTuningNetworks, maidReproduction, boRep, psKd];
const seedsMax = 100;

endWithReader();
process.exitCode = await reproduce(process.argv.slice(2));

async function reproduce(args: string[]): Promise<number> {
  const request = parseRequest(args);
  if (typeof request === "string") {
    process.stderr.write(
      `reproduce: ${request}\nusage: npm run reproduce -- PAPER [--seed N] [--seeds N] [--claim ID] [--json]; papers: ${names()}\n`,
    );
    return 2;
  }
  const { paper, seed, seeds, claim, json } = request;
  const progress = new Progress();
  const claims: ClaimResult[] = [];
  for (const { id, run } of paper.claims) {
    if (claim !== undefined && claim !== id) continue;
    const result = await run({ seed, seeds, progress });
    claims.push(result);
    if (!json) process.stdout.write(asText(result));
  }
  process.stdout.write(`${JSON.stringify({ paper: paper.paper, seed, claims })}\n`);
  return claims.every(({ holds, asserted }) => holds || asserted === false) ? 0 : 1;
}

interface Request {
  readonly paper: Reproduction;
  readonly seed: number;
  readonly seeds: number;
  /** The one claim to run; all where absent. */
  readonly claim: string | undefined;
  readonly json: boolean;
}

function parseRequest(args: string[]): string | Request {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        seed: { type: "string", default: "1" },
        seeds: { type: "string", default: "1" },
        claim: { type: "string" },
        json: { type: "boolean", default: false },
      },
    });
    const paper = papers.find((one) => one.paper === positionals[0]);
    const [seed, seeds] = [Number(values.seed), Number(values.seeds)];
    if (paper === undefined || positionals.length !== 1)
      return `saw ${positionals.join(" ") || "no paper"}, expected one of ${names()}`;
    if (!Number.isSafeInteger(seed) || seed < 0) return `saw --seed ${values.seed}, expected a whole number from 0`;
    if (!Number.isSafeInteger(seeds) || seeds < 1 || seeds > seedsMax)
      return `saw --seeds ${values.seeds}, expected 1 to ${seedsMax}`;
    if (values.claim !== undefined && !paper.claims.some(({ id }) => id === values.claim))
      return `saw --claim ${values.claim}, expected one of ${paper.claims.map(({ id }) => id).join(", ")}`;
    return { paper, seed, seeds, claim: values.claim, json: values.json };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function names(): string {
  return papers.map(({ paper }) => paper).join(", ");
}

function asText({ id, statement, threshold, measured, holds, asserted = true }: ClaimResult): string {
  const numbers = Object.entries(measured).map(
    ([name, value]) => `${name} ${Number.isFinite(value) ? Number(value.toPrecision(4)) : value}`,
  );
  return `${id}: ${statement}\n  threshold: ${threshold}\n  measured:  ${numbers.join(", ")}\n  ${!asserted ? "NOT ASSERTED" : holds ? "HOLDS" : "DOES NOT HOLD"}\n`;
}
