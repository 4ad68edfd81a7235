// What the parts of the Try tab share: running a request, and showing it and its failure.
// The id of an element is the key of its text, if it has one.

import { send } from "./api.js";
import { curlLine } from "./curl.js";
import { announce, el } from "./dom.js";
import { t, translate } from "./texts.js";

// A button that starts work(signal, …), and stops it while it runs. `result` is empty then;
// it shows what failed, besides what the work puts there. start(…) starts anew.
export function starter(text, work) {
  const result = el("div", { class: "result" });
  const element = el("button", { id: text, class: "main", t: text, on: { click: () => (running ? stop() : start()) } });
  let running = null;

  async function start(...given) {
    stop();
    const abort = (running = new AbortController());
    result.replaceChildren();
    show("try_stop");
    const error = await work(abort.signal, ...given).catch((failure) => failure);
    if (running !== abort) return;
    running = null;
    show(text);
    if (error) result.prepend(problem(error));
  }

  function stop() {
    running?.abort();
  }

  function show(key) {
    element.dataset.t = key;
    translate(element);
  }
  return { element, result, start, stop, isRunning: () => running !== null };
}

// Shows what failed, and that something was stopped.
export function problem(error) {
  if (error.name === "AbortError") return el("p", { class: "quiet", t: "try_stopped" });
  const message = error instanceof TypeError ? t("try_broken") : error.message;
  return el("p", { class: "problem", role: "alert" }, error.code ? `${message} (${error.code})` : message);
}

// Sends a request, with json or a form, and shows it in an element as the curl line that
// curlLine() makes of all this when someone looks.
export function request(element, path, what, signal) {
  const line = el("code");
  const write = () => (line.textContent ||= curlLine({ url: new URL(`v1/${path}`, document.baseURI).href, ...what }));
  element.append(el("details", { class: "curl", on: { toggle: write } },
    el("summary", { t: "try_curl" }), el("pre", { tabindex: "0" }, line), copyButton(write)));
  announce(t("try_waiting"));
  const form = new FormData();
  for (const each of what.form ?? []) form.append(...each);
  return send("POST", path, what.json ?? form, signal);
}

// Browsers let pages copy that come from this machine or over https.
export function copyButton(text) {
  async function copy() {
    await navigator.clipboard.writeText(text());
    announce(t("try_copied"));
  }
  return navigator.clipboard ? el("button", { class: "plain", t: "try_copy", on: { click: copy } }) : "";
}

export function section(id, ...content) {
  return el("section", { class: "stack", "aria-labelledby": id }, el("h2", { id, t: id }), ...content);
}

export function button(id, press) {
  return el("button", { id, t: id, on: { click: press } });
}

// A control with its label.
export function field(control, ...others) {
  return el("p", { class: "field" }, el("label", { for: control.id, t: control.id }), control, ...others);
}

export function select(id, names) {
  return el("select", { id }, ...names.map((name) => el("option", {}, name)));
}

// A choice of what list() gives with the key, each { id, name }, or only of the usual one.
export function listed(id, usual, list) {
  const choice = select(id, [usual]);
  async function show() {
    const chosen = choice.value;
    const options = await list().catch(() => [{ id: usual }]);
    choice.replaceChildren(...options.map(({ id: value, name }) => el("option", { value, selected: value === chosen }, name ?? value)));
  }
  document.addEventListener("key", show);
  show();
  return choice;
}
