// The Accounts tab: the pool, new tokens, renewals.

import { COLUMNS, accountRow } from "./account_row.js";
import { json } from "./api.js";
import { el, say } from "./dom.js";
import { relative } from "./formats.js";
import { whileShown } from "./polling.js";
import { t } from "./texts.js";

export function start(panel) {
  const problem = el("p", { class: "problem", role: "alert" });
  const heading = el("h2", { tabindex: "-1", t: "accounts" });
  const outcome = el("p", { role: "status" });
  const table = accountTable({ check, remove });
  const renewal = renewalControls(() => again());
  panel.classList.add("stack");
  panel.append(heading, problem, table.element, outcome, renewal.element, additions(() => again()));

  const again = whileShown(panel, 3000, async () => {
    const [pool, status] = await Promise.all([json("GET", "token"), json("GET", "refresh-status")]);
    table.show(pool.data);
    renewal.show(status);
    if (pool.problem) throw new Error(pool.problem);
  }, (text) => say(problem, text));

  async function remove(account) {
    if (!(await confirmed(t("remove_question", { account })))) return;
    try {
      await json("DELETE", `token/${encodeURIComponent(account)}`);
      outcome.textContent = t("removed", { account });
    } catch (error) {
      outcome.textContent = error.message;
    }
    heading.focus();
    again();
  }

  async function check(account) {
    try {
      const { live } = await json("POST", "token/check", { account });
      outcome.textContent = `${account}: ${t(live ? "valid" : "not_valid")}`;
    } catch (error) {
      outcome.textContent = error.message;
    }
  }
}

// Rows are kept, so that focus and selection survive. The table is folded on a narrow
// screen, which takes its roles away unless they are written down.
function accountTable(actions) {
  const rows = new Map();
  const head = COLUMNS.map((name) => el("th", { role: "columnheader", scope: "col", t: name }));
  const body = el("tbody", { role: "rowgroup" });
  const empty = el("p", { class: "quiet", t: "no_accounts", hidden: true });
  const table = el("table", { role: "table", label: "accounts", hidden: true },
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ...head, el("td", { role: "cell" }))), body);

  function show(accounts) {
    const names = accounts.map(({ account }) => account);
    for (const [name, row] of rows) if (!names.includes(name)) {
      row.element.remove();
      rows.delete(name);
    }
    for (const account of accounts) {
      const name = account.account;
      if (!rows.has(name)) rows.set(name, accountRow(name, actions));
      const row = rows.get(name);
      if (!row.element.parentElement) body.append(row.element);
      row.show(account);
    }
    table.hidden = !names.length;
    empty.hidden = !table.hidden;
  }
  return { element: el("div", { class: "folding" }, table, empty), show };
}

function confirmed(question) {
  const button = (name, key) => el("button", { type: "button", id: name, t: key, on: { click: () => dialog.close(name) } });
  const dialog = el("dialog", { "aria-label": question }, el("p", {}, question),
    el("div", { class: "row" }, button("cancel", "cancel"), button("confirm", "remove")));
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => {
    dialog.remove();
    resolve(dialog.returnValue === "confirm");
  }));
}

function renewalControls(again) {
  const button = el("button", { type: "button", id: "refresh", t: "refresh", on: { click: renew } });
  const bar = el("progress", { label: "refreshing", hidden: true });
  const schedule = el("p", { class: "quiet" });
  const outcome = el("p", { role: "status" });
  const failures = el("ul", { class: "problem" });

  async function renew() {
    button.disabled = true;
    bar.hidden = false;
    bar.removeAttribute("value");
    const timer = setInterval(() => json("GET", "refresh-status").then(show, () => null), 500);
    try {
      const result = await json("POST", "token/refresh");
      outcome.textContent = t("refreshed", result);
      const failed = result.accounts.filter(({ error }) => error);
      failures.replaceChildren(...failed.map(({ account, error }) => el("li", {}, `${account}: ${error}`)));
    } catch (error) {
      outcome.textContent = error.message;
    }
    clearInterval(timer);
    bar.hidden = true;
    button.disabled = false;
    again();
  }

  function show({ running, last_refresh: last, next_refresh: next }) {
    if (running) Object.assign(bar, { max: running.total, value: running.done });
    schedule.textContent = [last && t("last_refresh", { when: relative(last) }), next && t("next_refresh", { when: relative(next) })].filter(Boolean).join(" ");
  }
  return { element: el("div", {}, el("div", { class: "row" }, button, schedule), bar, outcome, failures), show };
}

function additions(again) {
  const field = el("textarea", { id: "tokens", rows: "3", autocomplete: "off", spellcheck: "false", "aria-describedby": "tokens-hint" });
  const outcome = el("p", { role: "status" });
  const run = (work) => async () => {
    const tokens = field.value.split(/[\s,]+/).filter(Boolean);
    try {
      outcome.textContent = tokens.length ? await work(tokens) : t("no_token");
    } catch (error) {
      outcome.textContent = error.message;
    }
  };

  async function add(tokens) {
    const result = await json("POST", "token", { tokens });
    field.value = "";
    again();
    return t("added", result) + (result.persisted ? "" : ` ${t("not_persisted")}`);
  }

  async function check(tokens) {
    const outcomes = [];
    for (const token of tokens) {
      const { live } = await json("POST", "token/check", { token });
      outcomes.push(`${outcomes.length + 1}: ${t(live ? "valid" : "not_valid")}`);
    }
    return outcomes.join(", ");
  }

  return el("section", {}, el("h3", {}, el("label", { for: "tokens", t: "add_tokens" })),
    el("p", { class: "quiet", id: "tokens-hint", t: "add_hint" }), field, el("div", { class: "row" },
      el("button", { type: "button", class: "main", id: "add", t: "add", on: { click: run(add) } }),
      el("button", { type: "button", id: "check", t: "check", on: { click: run(check) } })), outcome);
}
