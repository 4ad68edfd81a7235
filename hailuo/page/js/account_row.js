// A row of the table of accounts, which changes only where the account has changed.

import { el, set, write } from "./dom.js";
import { date, number, relative, time } from "./formats.js";
import { t } from "./texts.js";

export const COLUMNS = ["account", "state", "expiry", "quota", "answers", "last_error"];

export function accountRow(name, { check, remove }) {
  const about = el("div", { class: "quiet" });
  const [state, quota, answers] = [el("span"), el("span"), el("span")];
  const expiry = el("span", { class: "whole" });
  const until = el("span", { class: "quiet whole" });
  const error = el("span", { class: "any" });
  const checking = el("button", { type: "button", t: "check_account", on: { click: () => check(name) } });
  const removing = el("button", { type: "button", t: "remove", on: { click: () => remove(name) } });
  // The heading of a cell is seen where the table is folded.
  const cell = (heading, ...content) => el("td", { role: "cell" }, el("span", { class: "heading", t: heading }), ...content);
  const element = el("tr", { role: "row" }, el("th", { role: "rowheader", scope: "row" }, name, about),
    cell("state", state), cell("expiry", expiry, " ", until), cell("quota", quota), cell("answers", answers),
    cell("last_error", error), el("td", { role: "cell" }, el("div", { class: "row" }, checking, removing)));

  function show(account) {
    const { expires_at: expires, resting_until: resting } = account;
    write(about, `${t(account.kind)} · ${t(account.source)} · ${account.token}`);
    write(state, resting && account.state === "resting" ? t("resting_until", { time: time(resting) }) : t(account.state));
    set(state, "class", `state ${account.state}`);
    fill(expiry, expires && date(expires));
    write(until, expires ? (expires * 1000 < Date.now() ? t("expired") : relative(expires)) : "");
    write(answers, number(account.answers));
    fill(error, account.last_error);
    set(checking, "aria-label", `${t("check_account")} ${name}`);
    set(removing, "aria-label", `${t("remove")} ${name}`);
    showQuota(quota, account.quota);
  }
  return { element, show };
}

// A cell with nothing in it is left out where the table is folded.
function fill(element, text) {
  write(element, text || "—");
  element.parentElement.classList.toggle("none", !text);
}

function showQuota(element, quota) {
  const left = (name, percent, resets) => ({ percent, text: t(name, { percent: number(percent) }) + (resets ? ` ${t("quota_until", { time: time(resets) })}` : "") });
  const lines = quota ? [
    left("quota_window", quota.window_percent, quota.window_resets_at),
    left("quota_week", quota.week_percent, quota.week_resets_at),
  ].filter(({ percent }) => percent !== null) : [];
  const whole = lines.map(({ text }) => text).join("");
  if (whole && element.textContent === whole) return;
  fill(element, whole);
  if (whole) element.replaceChildren(...lines.map(({ percent, text }) => el("div", {},
    el("meter", { min: "0", max: "100", low: "20", value: percent, "aria-label": text }), el("div", { class: "quiet" }, text))));
}
