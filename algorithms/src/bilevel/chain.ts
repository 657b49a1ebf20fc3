/**
 * The questions that led to the solutions which are started from now, each from the solutions of the one before: what has to be answered again, in
 * this order and with the same bits, where a shard's solutions were lost with a process before they were saved. Plain data and pure functions.
 */
import { assert } from "@regulus/proto";
import type { OpenQuestion } from "../solvers/maid/method.js";

/** Questions that a shard may answer one after the other before it saves, and so the most that are answered again for one lost process. */
const unsavedMax = 32;
/** Hyperparameters of all questions that are kept together: 8 MB. With many of them shards save more often. */
const numbersMax = 1_000_000;
/** Answered questions that are kept until it is known which of them is started from; a line search tries fewer. */
const answeredMax = 128;

/** A question that was answered by all shards. */
export type ChainLink = Pick<OpenQuestion, "id" | "startFrom" | "question">;

export interface Chain {
  /** The links, the newest last; the first begins from what every shard has saved, or from the samples' own starts. */
  links: readonly ChainLink[];
  /** Answered since the newest link, and not started from yet. */
  answered: readonly ChainLink[];
}

export function emptyChain(): Chain {
  return { links: [], answered: [] };
}

/** Takes in that all shards answered a question. */
export function answeredByAll({ answered, links }: Chain, { id, startFrom, question }: OpenQuestion): Chain {
  return { links, answered: [...answered, { id, startFrom, question }].slice(-answeredMax) };
}

/** Takes in that questions start from `startFrom` now. `isSaved`: whether every shard has saved the solutions of a question. */
export function startedFrom(chain: Chain, startFrom: number | null, isSaved: (id: number) => boolean): Chain {
  if (startFrom === null) return { links: [], answered: chain.answered };
  const known = chain.links.findIndex(({ id }) => id === startFrom);
  const next = chain.answered.find(({ id }) => id === startFrom);
  if (known < 0 && next === undefined) return chain;
  const before = chain.links.findIndex(({ id }) => id === next?.startFrom);
  const links = next === undefined ? chain.links.slice(0, known + 1) : [...chain.links.slice(0, before + 1), next];
  const saved = links.findLastIndex(({ id }) => isSaved(id));
  const answered = chain.answered.filter(({ id }) => id > startFrom);
  return { links: links.slice(Math.max(saved + 1, links.length - linksMax(links))), answered };
}

/** What has to be answered first so that `startFrom` can be started from by whoever `holds` some solutions. */
export function wayTo(
  { links }: Chain,
  startFrom: number | null,
  holds: (id: number) => boolean,
): { readonly kind: "here" | "lost" } | { readonly kind: "again"; readonly link: ChainLink } {
  if (startFrom === null || holds(startFrom)) return { kind: "here" };
  for (let at = links.findIndex(({ id }) => id === startFrom); at >= 0; at -= 1) {
    const link = links[at];
    assert(link, "an index of a link");
    if (link.startFrom === null || holds(link.startFrom)) return { kind: "again", link };
    if (links[at - 1]?.id !== link.startFrom) break;
  }
  return { kind: "lost" };
}

/** Whether a shard that has `saved` some solutions has to save with its next answer, so that never too much is to be answered again. */
export function mustSave({ links }: Chain, saved: (id: number) => boolean): boolean {
  const since = links.length - 1 - links.findLastIndex(({ id }) => saved(id));
  return since >= Math.max(1, Math.min(unsavedMax, perNumbers(links) / 2));
}

/** Twice what a shard may leave unsaved: shards save at different times, and a store may be full for a while. */
function linksMax(links: readonly ChainLink[]): number {
  return Math.max(2, Math.min(2 * unsavedMax, perNumbers(links)));
}

function perNumbers(links: readonly ChainLink[]): number {
  return Math.floor(numbersMax / Math.max(1, links.at(-1)?.question.theta.length ?? 1));
}
