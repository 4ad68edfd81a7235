// What the parts of the Try tab share: running a request, and showing it and its failure.

import { curlLine } from "./curl.js";
import { announce, el } from "./dom.js";
import { t, translate } from "./texts.js";

export const MAX_ANNOUNCED = 1000; // characters of a result

// The button that submits a form, and stops what that began.
//
//   const submit = new SubmitButton(form, "try_send", async (signal) => { … });
//
// While the call runs, the button says "Stop" and aborts the signal.
export class SubmitButton {
  #label;
  #call;
  #abort = null;
  #ended;

  constructor(form, label, call) {
    this.#label = label;
    this.#call = call;
    this.element = el("button", { class: "main", t: label });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.isRunning) this.stop();
      else this.start();
    });
  }

  get isRunning() {
    return this.#abort !== null;
  }

  stop() {
    this.#abort?.abort();
  }

  // Makes the call, with further arguments, after one that runs has been stopped.
  async start(...given) {
    this.stop();
    await this.#ended;
    this.#ended = this.#run(given);
  }

  async #run(given) {
    this.#abort = new AbortController();
    this.#show("try_stop");
    await this.#call(this.#abort.signal, ...given);
    this.#abort = null;
    this.#show(this.#label);
  }

  #show(text) {
    this.element.dataset.t = text;
    translate(this.element);
  }
}

// Shows what failed, and nothing for what was stopped.
export function problem(error) {
  if (error.name === "AbortError") return el("p", { class: "quiet", t: "try_stopped" });
  const message = error instanceof TypeError ? t("try_broken") : error.message;
  return el("p", { class: "problem", role: "alert" }, error.code ? `${message} (${error.code})` : message);
}

// Shows a request as a curl line, which is only written when someone looks.
export function curlDetails(path, request) {
  const line = el("code");
  const write = () => {
    line.textContent ||= curlLine({ url: new URL(`v1/${path}`, document.baseURI).href, ...request });
    return line.textContent;
  };
  return el("details", { class: "curl", on: { toggle: write } },
    el("summary", { t: "try_curl" }), el("pre", { tabindex: "0" }, line), copyButton(write));
}

export function copyButton(text) {
  async function copy() {
    const done = await navigator.clipboard?.writeText(text()).then(() => true, () => false);
    announce(t(done ? "try_copied" : "try_not_copied"));
  }
  return el("button", { type: "button", class: "plain", t: "try_copy", on: { click: copy } });
}

// A control with a label, whose text is the id's: "try-speed" is labelled "try_speed".
export function field(control, ...others) {
  const label = el("label", { for: control.id, t: control.id.replaceAll("-", "_") });
  return el("p", { class: "field" }, label, control, ...others);
}

// Offers what list() gives with the key, each { id, name }, or only the usual one.
export function offer(choice, usual, list) {
  async function show() {
    const chosen = choice.value || usual;
    const listed = await list().catch(() => []);
    const options = listed.length ? listed : [{ id: usual }];
    choice.replaceChildren(...options.map(({ id, name }) => el("option", { value: id }, name ?? id)));
    if (options.some(({ id }) => id === chosen)) choice.value = chosen;
  }
  document.addEventListener("key", show);
  show();
}
