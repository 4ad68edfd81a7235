// whileShown(panel, 3000, work) calls work() every three seconds while the panel can be
// seen and there is a key, and returns a function that calls it at once. The panel gets a
// line that says why it failed. A refused key is not tried again, since the gateway
// counts refusals.

import { key } from "./api.js";
import { el } from "./dom.js";
import { t } from "./texts.js";

export function whileShown(panel, interval, work) {
  const problem = el("p", { class: "problem", role: "alert" });
  let timer, refused;

  async function again() {
    clearTimeout(timer);
    const used = key();
    if (panel.hidden || document.hidden || used === refused) return;
    let text = used ? "" : t("key_needed");
    try {
      if (used) await work();
    } catch (error) {
      if (error.status === 401) refused = used;
      text = error.message;
    }
    problem.hidden = !text;
    if (problem.textContent !== text) problem.textContent = text; // it is read aloud
    clearTimeout(timer);
    if (used) timer = setTimeout(again, interval);
  }

  panel.append(problem);
  panel.addEventListener("shown", again);
  for (const type of ["visibilitychange", "key", "language"]) document.addEventListener(type, again);
  return again;
}
