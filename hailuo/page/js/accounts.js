// The Accounts tab: the pool, new tokens, renewals.

import { ApiError, json } from "./api.js";
import { accountRow } from "./account_row.js";
import { announce, el, say } from "./dom.js";
import { relative } from "./formats.js";
import { whileShown } from "./polling.js";
import { t } from "./texts.js";

const INTERVAL = 3000;
const PROGRESS_INTERVAL = 500;
const COLUMNS = ["account", "state", "expiry", "quota", "answers", "last_error"];

export function start(panel) {
  const problem = el("p", { class: "problem", role: "alert", hidden: true });
  const table = accountTable((account) => removal(account, again));
  const refresh = refreshControls(() => again());
  const heading = el("h2", { tabindex: "-1", t: "accounts" });
  panel.classList.add("stack");
  panel.append(el("div", { class: "row" }, heading), problem, table.element, refresh.element, additions(() => again()));

  async function update() {
    const [pool, status] = await Promise.all([json("GET", "token"), json("GET", "refresh-status")]);
    table.show(pool.data);
    refresh.show(status);
    if (pool.problem) throw new ApiError(pool.problem);
  }
  const again = whileShown(panel, INTERVAL, update, (text) => say(problem, text));

  async function removal(account) {
    if (!(await confirmed(t("remove_question", { account: account.account })))) return;
    try {
      await json("DELETE", `token/${encodeURIComponent(account.account)}`);
      announce(t("removed", { account: account.account }));
    } catch (error) {
      say(problem, error.message);
    }
    heading.focus();
    await again();
  }
}

// Rows are kept and their cells changed, so that focus and selection survive.
function accountTable(remove) {
  const rows = new Map();
  const head = COLUMNS.map((name) => el("th", { role: "columnheader", scope: "col", t: name }));
  head.push(el("td", { role: "cell" }));
  const body = el("tbody", { role: "rowgroup" });
  const empty = el("p", { class: "quiet", t: "no_accounts", hidden: true });
  const table = el("table", { role: "table", label: "accounts" },
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ...head)), body);

  function show(accounts) {
    const names = new Set(accounts.map(({ account }) => account));
    for (const [name, row] of rows) if (!names.has(name)) {
      row.element.remove();
      rows.delete(name);
    }
    for (const account of accounts) {
      if (!rows.has(account.account)) {
        const row = accountRow(account, remove);
        rows.set(account.account, row);
        body.append(row.element);
      }
      rows.get(account.account).show(account);
    }
    table.hidden = !accounts.length;
    empty.hidden = Boolean(accounts.length);
  }
  table.hidden = true;
  return { element: el("div", { class: "folding" }, table, empty), show };
}

function confirmed(question) {
  return new Promise((resolve) => {
    const answer = (yes) => () => { dialog.returnValue = yes; dialog.close(yes); };
    const dialog = el("dialog", { "aria-labelledby": "question", on: { close: done } },
      el("p", { id: "question" }, question),
      el("div", { class: "row" },
        el("button", { type: "button", t: "cancel", autofocus: true, on: { click: answer("") } }),
        el("button", { type: "button", class: "bad", id: "confirm", t: "remove", on: { click: answer("yes") } })));
    function done() {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    }
    document.body.append(dialog);
    dialog.showModal();
  });
}

function refreshControls(again) {
  const bar = el("progress", { label: "refreshing", value: "0", hidden: true });
  const outcome = el("p", { role: "status", class: "quiet" });
  const failures = el("ul", { class: "problem", hidden: true });
  const schedule = el("p", { class: "quiet" });
  const button = el("button", { type: "button", id: "refresh", t: "refresh", on: { click: refresh } });

  async function refresh() {
    button.disabled = true;
    bar.hidden = false;
    bar.removeAttribute("value");
    const timer = setInterval(follow, PROGRESS_INTERVAL);
    try {
      const result = await json("POST", "token/refresh");
      outcome.textContent = t("refreshed", result);
      failures.replaceChildren(...result.accounts.filter(({ error }) => error).map(({ account, error }) => el("li", {}, `${account}: ${error}`)));
    } catch (error) {
      outcome.textContent = error.message;
    }
    clearInterval(timer);
    failures.hidden = !failures.children.length;
    bar.hidden = true;
    button.disabled = false;
    button.focus();
    again();
  }

  async function follow() {
    try {
      show(await json("GET", "refresh-status"));
    } catch { /* the refresh itself reports what is wrong */ }
  }

  function show(status) {
    const { running, last_refresh: last, next_refresh: next } = status;
    if (running) {
      bar.max = running.total;
      bar.value = running.done;
    }
    const times = [last && t("last_refresh", { when: relative(last) }), next && t("next_refresh", { when: relative(next) })];
    schedule.textContent = times.filter(Boolean).join(" ");
  }
  const row = el("div", { class: "row" }, button, schedule);
  return { element: el("div", {}, row, bar, outcome, failures), show };
}

function additions(again) {
  const field = el("textarea", { id: "tokens", rows: "3", autocomplete: "off", spellcheck: "false", autocapitalize: "off", "aria-describedby": "tokens-hint" });
  const outcome = el("p", { role: "status" });
  const run = (work) => async (event) => {
    event.target.disabled = true;
    try {
      const tokens = field.value.split(/[\s,]+/).filter(Boolean);
      outcome.textContent = tokens.length ? await work(tokens) : t("no_token");
    } catch (error) {
      outcome.textContent = error.message;
    }
    event.target.disabled = false;
  };

  async function add(tokens) {
    const result = await json("POST", "token", { tokens });
    field.value = "";
    again();
    return t("added", result) + (result.persisted ? "" : ` ${t("not_persisted")}`);
  }

  async function check(tokens) {
    const outcomes = [];
    for (const [at, token] of tokens.entries()) {
      const { live } = await json("POST", "token/check", { token });
      outcomes.push(`${at + 1}: ${t(live ? "valid" : "not_valid")}`);
    }
    return outcomes.join(", ");
  }

  const buttons = el("div", { class: "row" },
    el("button", { type: "button", class: "main", id: "add", t: "add", on: { click: run(add) } }),
    el("button", { type: "button", id: "check", t: "check", on: { click: run(check) } }));
  return el("section", {},
    el("h3", {}, el("label", { for: "tokens", t: "add_tokens" })),
    el("p", { class: "quiet", id: "tokens-hint", t: "add_hint" }), field, buttons, outcome);
}
