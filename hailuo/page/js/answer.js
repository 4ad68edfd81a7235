// Shows an answer of chat as its chunks arrive.

import { announce, el } from "./dom.js";
import { number } from "./formats.js";
import { isSafe, link, markdownIn } from "./markdown.js";
import { copyButton, problem } from "./requests.js";
import { t } from "./texts.js";

const MIN_PAUSE_MS = 50; // before more is drawn

// follow(draw): calls draw, which makes the answer longer.
export function answerView(follow) {
  const body = el("div", { class: "markdown" });
  const showMarkdown = markdownIn(body);
  const thoughts = el("div", { class: "thoughts" });
  const fold = el("details", { class: "reasoning", hidden: true }, el("summary", { t: "try_reasoning" }), thoughts);
  const element = el("article", { class: "answer", label: "try_answer", "aria-busy": "true" }, fold, body);
  const began = performance.now();
  const sources = [];
  let [text, reasoning, usage, timer, pause] = ["", "", {}, null, MIN_PAUSE_MS];

  // Takes a chunk of the stream.
  function add(chunk) {
    usage = chunk.usage ?? usage;
    const { content, reasoning_content: thought, annotations } = chunk.choices[0]?.delta ?? {};
    text += content ?? "";
    reasoning += thought ?? "";
    sources.push(...(annotations ?? []).map(({ url_citation: source }) => source));
    timer ??= setTimeout(drawMore, pause);
  }

  // Takes a fifth of the time at most, however long a block is.
  function drawMore() {
    const start = performance.now();
    follow(draw);
    pause = MIN_PAUSE_MS + 4 * (performance.now() - start);
  }

  function draw() {
    timer = null;
    showMarkdown(text);
    if (thoughts.textContent !== reasoning) thoughts.textContent = reasoning;
    fold.hidden = !reasoning;
  }

  // Shows the end, with what failed, if anything did.
  function end(error) {
    clearTimeout(timer);
    element.setAttribute("aria-busy", "false");
    const figures = el("span", { class: "quiet grow" });
    const seconds = (performance.now() - began) / 1000;
    const showFigures = () => (figures.textContent = figuresOf(usage, seconds));
    document.addEventListener("language", showFigures);
    showFigures();
    follow(() => {
      draw();
      if (sources.length) element.append(el("h3", { t: "try_sources" }), el("ol", {}, ...sources.map(sourceItem)));
      if (error) element.append(problem(error));
      element.append(el("div", { class: "row" }, figures, text && copyButton(() => text)));
    });
    if (!error) announce(body.textContent);
  }
  return { element, add, end, text: () => text };
}

function sourceItem({ url, title }) {
  return el("li", {}, isSafe(url) ? link(url, title || url) : title || url);
}

// Services that count no tokens are given one for each side.
function figuresOf({ prompt_tokens: input, completion_tokens: output }, seconds) {
  const time = t("try_seconds", { seconds: number(seconds) });
  return input + output > 2 ? `${t("try_tokens", { input: number(input), output: number(output) })} · ${time}` : time;
}
