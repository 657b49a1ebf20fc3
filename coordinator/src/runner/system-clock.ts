/** The real clock. */
import type { Clock } from "../ports.js";

/** Longest wait that Node's timers can do, in milliseconds. Longer ones are waited for in pieces. */
const timerMsMax = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  wake: (atMs, call) => {
    let timer: NodeJS.Timeout;
    const wait = () => {
      const left = atMs - Date.now();
      if (left <= 0) call();
      else arm(left);
    };
    const arm = (left: number) => {
      timer = setTimeout(wait, Math.min(timerMsMax, left));
    };
    arm(Math.max(0, atMs - Date.now()));
    return () => clearTimeout(timer);
  },
  wakeAfter: (ms, call) => {
    const timer = setTimeout(call, Math.min(timerMsMax, ms));
    return () => clearTimeout(timer);
  },
};
