// Shows an answer of chat as its chunks arrive.

import { announce, el } from "./dom.js";
import { number } from "./formats.js";
import { MarkdownView, isSafe, linkTo } from "./markdown.js";
import { MAX_ANNOUNCED, copyButton, problem } from "./requests.js";
import { t } from "./texts.js";

export class Answer {
  text = "";
  isFinished = false;
  #began = performance.now();
  #firstAfter = null; // milliseconds
  #reasoning = "";
  #sources = [];
  #usage = null;
  #body = el("div", { class: "markdown" });
  #markdown = new MarkdownView(this.#body);
  #thoughts = el("div", { class: "thoughts" });
  #fold = el("details", { class: "reasoning", hidden: true }, el("summary", { t: "try_reasoning" }), this.#thoughts);

  #drawSoon;

  // follow: called whenever more is shown.
  constructor(follow) {
    this.element = el("article", { class: "answer", label: "try_answer", "aria-busy": "true" }, this.#fold, this.#body);
    this.#drawSoon = paced(() => {
      this.#draw();
      follow();
    });
  }

  // Takes a chunk of the stream.
  add({ choices: [choice], usage }) {
    this.#usage = usage ?? this.#usage;
    if (!choice) return;
    const { content, reasoning_content: reasoning, annotations } = choice.delta;
    if (content || reasoning) this.#firstAfter ??= performance.now() - this.#began;
    this.text += content ?? "";
    this.#reasoning += reasoning ?? "";
    this.#sources.push(...(annotations ?? []).map(({ url_citation: source }) => source));
    this.isFinished ||= Boolean(choice.finish_reason);
    this.#drawSoon();
  }

  // Shows the end, with what failed, if anything did.
  end(error) {
    this.#draw();
    this.element.setAttribute("aria-busy", "false");
    if (this.#sources.length) this.element.append(this.#sourceList());
    if (error) this.element.append(problem(error));
    else announce(t("try_answered", { text: this.#body.textContent.slice(0, MAX_ANNOUNCED) }));
    const figures = el("span", { class: "quiet grow" }, this.#figures());
    this.element.append(el("div", { class: "row" }, figures, this.text ? copyButton(() => this.text) : null));
  }

  #draw() {
    this.#markdown.update(this.text);
    this.#fold.hidden = !this.#reasoning;
    const shown = this.#thoughts.firstChild ?? this.#thoughts.appendChild(document.createTextNode(""));
    shown.appendData(this.#reasoning.slice(shown.length));
  }

  #sourceList() {
    const items = this.#sources.map(({ url, title }) => el("li", {}, sourceLink(url, title || url)));
    return el("div", { class: "sources" }, el("h3", { t: "try_sources" }), el("ol", {}, ...items));
  }

  // Services that count no tokens are given one for each side.
  #figures() {
    const { prompt_tokens: input, completion_tokens: output } = this.#usage ?? {};
    const seconds = (milliseconds) => number(milliseconds / 1000, 2);
    const figures = [t("try_seconds", { seconds: seconds(performance.now() - this.#began) })];
    if (this.#firstAfter !== null) figures.unshift(t("try_first", { seconds: seconds(this.#firstAfter) }));
    if (input + output > 2) figures.unshift(t("try_tokens", { input: number(input), output: number(output) }));
    return figures.join(" · ");
  }
}

function sourceLink(url, title) {
  return isSafe(url) ? el("a", linkTo(url), title) : title;
}

// Returns a function that has something shown at the next frame, once however often it
// was called before, and at most a fifth of the time.
function paced(show) {
  let isDue = false;
  let restsUntil = 0;
  const frame = (now) => {
    if (now < restsUntil) return requestAnimationFrame(frame);
    isDue = false;
    const began = performance.now();
    show();
    restsUntil = began + 5 * (performance.now() - began);
  };
  return () => {
    if (!isDue) requestAnimationFrame(frame);
    isDue = true;
  };
}
