// A row of the table of accounts, which changes only where the account has changed.

import { el, set, write } from "./dom.js";
import { date, number, relative, time } from "./formats.js";
import { t } from "./texts.js";

export function accountRow(account, remove) {
  const about = el("span", { class: "quiet" });
  const state = el("span");
  const expiry = el("span");
  const until = el("span", { class: "quiet" });
  const quota = el("div");
  const answers = el("span");
  const error = el("span", { class: "any" });
  const button = el("button", { type: "button", t: "remove", on: { click: () => remove(account) } });
  const cell = (heading, ...content) => el("td", { role: "cell" }, el("span", { class: "heading", t: heading }), el("span", { class: "heading" }, ": "), ...content);
  const name = el("th", { role: "rowheader", scope: "row" }, account.account, el("br"), about);
  const element = el("tr", { role: "row" }, name, cell("state", state), cell("expiry", expiry, " ", until),
    cell("quota", quota), cell("answers", answers), cell("last_error", error), el("td", { role: "cell" }, button));

  function show(current) {
    const { expires_at: expires, resting_until: resting } = current;
    write(about, `${t(current.kind)} · ${t(current.source)} · ${current.token}`);
    write(state, current.state === "resting" && resting ? t("resting_until", { time: time(resting) }) : t(current.state));
    set(state, "class", `state ${current.state}`);
    fill(expiry, expires && date(expires));
    write(until, expires ? (expires * 1000 < Date.now() ? t("expired") : relative(expires)) : "");
    write(answers, number(current.answers));
    fill(error, current.last_error);
    set(button, "aria-label", t("remove_account", { account: current.account }));
    showQuota(quota, current.quota);
  }
  return { element, show };
}

// A cell without a content is left out where the table is folded.
function fill(element, text) {
  write(element, text || "—");
  element.parentElement.classList.toggle("none", !text);
}

function showQuota(element, quota) {
  const parts = quota ? [
    ["quota_window", quota.window_percent, quota.window_resets_at],
    ["quota_week", quota.week_percent, quota.week_resets_at],
  ].filter(([, percent]) => percent !== null) : [];
  const texts = parts.map(([name, percent, resets]) => t(name, { percent: number(percent) }) + (resets ? ` ${t("quota_until", { time: time(resets) })}` : ""));
  if (element.textContent === texts.join("") && element.firstChild) return;
  fill(element, "");
  if (!texts.length) return;
  element.parentElement.classList.remove("none");
  element.replaceChildren(...texts.map((text, at) => el("div", {},
    el("meter", { min: "0", max: "100", low: "20", value: parts[at][1], "aria-label": text }), el("div", { class: "quiet" }, text))));
}
