// What the parts of the Try tab share: running a request, and showing it and its failure.
// The text of an element is often its id's: "try-speed" has the text "try_speed".

import { curlLine } from "./curl.js";
import { announce, el } from "./dom.js";
import { t, translate } from "./texts.js";

// A button that starts work(signal, …), and stops it while it runs. `result` shows what
// failed, besides what the work puts there; start(…) starts anew.
export function starter(text, work) {
  const result = el("div", { class: "result" });
  const element = el("button", { class: "main", t: text, on: { click: () => (running ? stop() : start()) } });
  let running = null;

  async function start(...given) {
    stop();
    const abort = (running = new AbortController());
    rename(element, "try_stop");
    const error = await work(abort.signal, ...given).catch((failure) => failure);
    if (running !== abort) return;
    running = null;
    rename(element, text);
    if (error) result.prepend(problem(error));
  }

  function stop() {
    running?.abort();
  }
  return { element, result, start, stop, isRunning: () => running !== null };
}

export function rename(element, text) {
  element.dataset.t = text;
  translate(element);
}

// Shows what failed, and that something was stopped.
export function problem(error) {
  if (error.name === "AbortError") return el("p", { class: "quiet", t: "try_stopped" });
  const message = error instanceof TypeError ? t("try_broken") : error.message;
  return el("p", { class: "problem", role: "alert" }, error.code ? `${message} (${error.code})` : message);
}

// Says that an answer is awaited, and shows its request as a curl line, which is written
// when someone looks.
export function requested(path, request) {
  const line = el("code");
  const write = () => (line.textContent ||= curlLine({ url: new URL(`v1/${path}`, document.baseURI).href, ...request }));
  announce(t("try_waiting"));
  return el("details", { class: "curl", on: { toggle: write } },
    el("summary", { t: "try_curl" }), el("pre", { tabindex: "0" }, line), copyButton(write));
}

// Browsers let pages copy that come from this machine or over https.
export function copyButton(text) {
  async function copy() {
    await navigator.clipboard.writeText(text());
    announce(t("try_copied"));
  }
  return navigator.clipboard ? el("button", { class: "plain", t: "try_copy", on: { click: copy } }) : "";
}

function textOf(id) {
  return id.replaceAll("-", "_");
}

export function section(id, ...content) {
  return el("section", { class: "stack", "aria-labelledby": id }, el("h2", { id, t: textOf(id) }), ...content);
}

export function button(id, press) {
  return el("button", { id, t: textOf(id), on: { click: press } });
}

// A control with its label.
export function field(control, ...others) {
  return el("p", { class: "field" }, el("label", { for: control.id, t: textOf(control.id) }), control, ...others);
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
