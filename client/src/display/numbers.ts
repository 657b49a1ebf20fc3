/**
 * Numbers, times and names as people read them, in the terminal and in reports: four significant digits, thousands apart, units
 * attached. Nothing here rounds what is written to JSON. `formatValue`, `formatPercent`, `formatCount` and
 * `formatSeconds` are also written, as they are, into reports (their charts format with them), hence they use nothing but each other.
 */
import { nounOf } from "@regulus/proto";
import { withoutSequences } from "./escape-sequences.js";

/** A measured value at four significant digits: 0.1193, 12.4, 1,532, 1.2e-6. Not finite values keep their name. All of it is ASCII, so that it can be pasted. */
export function formatValue(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 1e-3 || size >= 1e7)
    return value
      .toExponential(2)
      .replace(/\.?0+e/, "e")
      .replace("e+", "e");
  if (Number.isInteger(value) || size >= 1000) return value.toLocaleString("en-US", { maximumFractionDigits: 0 });
  return Number(value.toPrecision(4)).toString();
}

/** A share in [0, 1] in percent: 3.62 %. */
export function formatPercent(share: number): string {
  if (!Number.isFinite(share)) return formatValue(share);
  const percent = share * 100;
  return `${percent >= 99.95 ? percent.toFixed(0) : percent.toFixed(percent < 10 ? 2 : 1)} %`;
}

/** A whole number with its thousands apart. */
export function formatCount(count: number): string {
  return Number.isFinite(count) ? count.toLocaleString("en-US", { maximumFractionDigits: 0 }) : formatValue(count);
}

/** A count with its noun: 1 step, 1,234 steps. */
export function counted(count: number, noun: string, plural?: string): string {
  return `${formatCount(count)} ${nounOf(count, noun, plural)}`;
}

/** A time in seconds: 0.42 s, 8.1 s, 1 min 05 s, 2 h 07 min, 3 d 04 h. */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return formatValue(seconds);
  if (seconds < 1) return `${Number(seconds.toPrecision(2))} s`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
  const hours = Math.round(seconds / 3600);
  return `${Math.floor(hours / 24)} d ${String(hours % 24).padStart(2, "0")} h`;
}

/** A number as a program reads it: every digit, no thousands apart. */
export function exactValue(value: number): string {
  return String(value);
}

/** A value of any kind that a search space may hold. */
export function formatParameter(value: unknown): string {
  return parameterText(value, formatValue);
}

/** The same, with numbers written as told. */
export function parameterText(value: unknown, number: (value: number) => string): string {
  return typeof value === "number" ? number(value) : typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

/** A name without the escape sequences, control characters and direction marks with which it could repaint a terminal or mislead a reader. */
export function plainText(text: string, charactersMax = 4096): string {
  const safe = withoutSequences(text)
    .replace(/[\p{Cc}\p{Bidi_Control}]+/gu, " ")
    .trim();
  const characters = [...safe];
  return characters.length <= charactersMax ? safe : `${characters.slice(0, charactersMax - 1).join("")}…`;
}
