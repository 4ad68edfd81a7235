// Calls `work` at once and then every few seconds while a panel can be seen and there is
// a key. A refused key is not tried again, since refusals are counted by the gateway.
//
//   const again = whileShown(panel, 3000, work, problem)    again() calls it now
//
// work: async; problem(text): shows why it failed, "" when it did not.

import { key } from "./api.js";
import { t } from "./texts.js";

export function whileShown(panel, interval, work, problem) {
  let timer;
  let refused = null;
  let run = 0;

  async function again() {
    clearTimeout(timer);
    if (panel.hidden || document.hidden) return;
    if (!key() || key() === refused) return key() || problem(t("key_needed"));
    const own = ++run;
    try {
      await work();
      if (own === run) problem("");
    } catch (error) {
      if (own !== run) return;
      if (error.status === 401) refused = key();
      problem(error.message);
    }
    if (own === run) timer = setTimeout(again, interval);
  }

  panel.addEventListener("shown", again);
  for (const type of ["visibilitychange", "key", "language"]) document.addEventListener(type, again);
  return again;
}
