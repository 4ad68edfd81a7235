// What the parts of the Try tab share: running a request, and showing it and its failure.

import { curlLine } from "./curl.js";
import { announce, el } from "./dom.js";
import { t, translate } from "./texts.js";

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

  // Makes the call, after one that runs has been stopped.
  async start() {
    this.stop();
    await this.#ended;
    this.#ended = this.#run();
  }

  async #run() {
    this.#abort = new AbortController();
    this.#show("try_stop");
    await this.#call(this.#abort.signal);
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
  const details = [error.param, error.code].filter(Boolean).join(", ");
  const message = error instanceof TypeError ? t("try_broken") : error.message;
  return el("p", { class: "problem", role: "alert" }, details ? `${message} (${details})` : message);
}

// Shows a request as a curl line, which is only written when someone looks.
export function curlDetails(path, request) {
  const line = el("code");
  const write = () => {
    if (!line.textContent) line.textContent = curlLine({ url: new URL(`v1/${path}`, document.baseURI).href, ...request });
    return line.textContent;
  };
  const details = el("details", { class: "curl", on: { toggle: write } },
    el("summary", { t: "try_curl" }), el("pre", { tabindex: "0" }, line), copyButton(write));
  return details;
}

export function copyButton(text) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text());
      announce(t("try_copied"));
    } catch {
      announce(t("try_not_copied"));
    }
  };
  return el("button", { type: "button", class: "plain", t: "try_copy", on: { click: copy } });
}

// A control with a label, whose text is the id's: "try-speed" is labelled "try_speed".
export function field(control) {
  return el("p", { class: "field" }, el("label", { for: control.id, t: control.id.replaceAll("-", "_") }), control);
}
