// The Accounts tab: the pool, its renewal, new tokens.

import { json } from "./api.js";
import { el, update } from "./dom.js";
import { date, number, relative, time } from "./formats.js";
import { whileShown } from "./polling.js";
import { t } from "./texts.js";

const quiet = (...content) => el("div", { class: "quiet" }, ...content);
const button = (key, click, attributes = {}) => el("button", { t: key, on: { click }, ...attributes });

export function start(panel) {
  const heading = el("h2", { tabindex: "-1", t: "accounts" });
  const rows = el("tbody");
  const columns = ["account", "state", "expiry", "quota"].map((name) => el("th", { scope: "col", t: name }));
  const table = el("table", {}, el("thead", {}, el("tr", {}, ...columns, el("td"))), rows);
  const outcome = el("p", { role: "status" });
  const next = el("span", { class: "quiet" });
  const bar = el("progress", { label: "refresh", hidden: true });
  const tokens = el("textarea", { id: "tokens", rows: "3", autocomplete: "off", spellcheck: "false" });

  // Does something and shows its outcome, a text, and the pool after it.
  async function act(work) {
    outcome.textContent = await work().catch((error) => error.message);
    again();
  }

  const check = (account) => act(async () => `${account}: ${await validity({ account })}`);

  function remove(account) {
    if (!window.confirm(t("remove_question", { account }))) return;
    heading.focus();
    act(async () => {
      await json("DELETE", `token/${encodeURIComponent(account)}`);
      return t("removed", { account });
    });
  }

  async function refresh() {
    if (!bar.hidden) return;
    bar.hidden = false;
    bar.removeAttribute("value");
    again();
    await act(async () => {
      const { success, failed, accounts } = await json("POST", "token/refresh");
      const errors = accounts.filter(({ error }) => error).map(({ account, error }) => `\n${account}: ${error}`);
      return t("refreshed", { success, failed }) + errors.join("");
    });
    bar.hidden = true;
  }

  const withTokens = (work) => () => {
    const given = tokens.value.split(/[\s,]+/).filter(Boolean);
    if (given.length) act(() => work(given));
    else tokens.focus();
  };

  async function add(given) {
    const { persisted, ...counts } = await json("POST", "token", { tokens: given });
    tokens.value = "";
    return t("added", counts) + (persisted ? "" : t("not_persisted"));
  }

  async function checkOnly(given) {
    const found = [];
    for (const token of given) found.push(`${found.length + 1}: ${await validity({ token })}`);
    return found.join(", ");
  }

  panel.append(heading);
  const again = whileShown(panel, 2000, async () => {
    const [{ data, problem }, { running, next_refresh: due }] = await Promise.all([json("GET", "token"), json("GET", "refresh-status")]);
    while (rows.rows.length > data.length) rows.deleteRow(-1);
    for (const [at, account] of data.entries()) update(rows.rows[at] ?? rows.insertRow(), cells(account, check, remove));
    next.textContent = due ? t("next_refresh", { when: relative(due) }) : "";
    if (running) Object.assign(bar, { max: running.total, value: running.done });
    if (problem) throw new Error(problem);
  });
  panel.append(table, outcome, bar, el("div", { class: "row" }, button("refresh", refresh, { id: "refresh" }), next),
    el("label", { for: "tokens", t: "add_tokens" }), tokens, el("div", { class: "row" },
      button("add", withTokens(add), { id: "add", class: "main" }),
      button("check_only", withTokens(checkOnly), { id: "check" })));
}

async function validity(asked) {
  const { live } = await json("POST", "token/check", asked);
  return t(live ? "valid" : "not_valid");
}

function cells(account, check, remove) {
  const { account: name, state, resting_until: resting, expires_at: expires, quota } = account;
  const acting = (key, act) => button(key, () => act(name), { "aria-label": `${t(key)} ${name}` });
  const until = resting && state === "resting" ? ` ${t("until", { time: time(resting) })}` : "";
  return [
    el("th", { scope: "row" }, name, quiet(`${t(account.kind)} · ${t(account.source)} · ${account.token}`)),
    el("td", {}, el("span", { class: `state ${state}` }, t(state) + until),
      quiet(t("answers", { count: number(account.answers) })), el("div", { class: "quiet error" }, account.last_error ?? "")),
    el("td", {}, ...(expires ? [t("until", { time: date(expires) }), quiet(relative(expires))] : [])),
    el("td", {}, ...(quota ? [
      quotaLine("quota_window", quota.window_percent, quota.window_resets_at),
      quotaLine("quota_week", quota.week_percent, quota.week_resets_at)] : [])),
    el("td", {}, el("div", { class: "row" }, acting("check", check), acting("remove", remove))),
  ];
}

function quotaLine(name, percent, resets) {
  if (percent === null) return null;
  const until = resets ? ` ${t("until", { time: time(resets) })}` : "";
  return el("label", { class: "quiet" }, el("meter", { max: "100", low: "20", value: percent }), t(name, { percent: number(percent) }) + until);
}
