// A small picture of the last hour: a bar for each minute.
//
//   const chart = barChart("answers_per_minute")
//   chart.show(values, "12 answers")     60 numbers, oldest first; null: no bar
//
// The second argument says in words what the picture shows.

import { el, set, write } from "./dom.js";

const HEIGHT = 100;
const BAR = 8;
const GAP = 2;
export const MINUTES = 60;

function svg(name, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  return element;
}

export function barChart(title, kind = "") {
  const summary = el("p", { class: "quiet" });
  const bars = Array.from({ length: MINUTES }, (_, at) => svg("rect", { x: at * (BAR + GAP), width: BAR, rx: 1 }));
  const picture = svg("svg", { role: "img", class: kind, viewBox: `0 0 ${MINUTES * (BAR + GAP)} ${HEIGHT}`, preserveAspectRatio: "none" });
  picture.append(...bars);
  const element = el("figure", {}, el("h3", { t: title }), picture,
    el("div", { class: "ends quiet" }, el("span", { t: "hour_ago" }), el("span", { t: "tab_now" })), el("figcaption", {}, summary));

  function show(values, text) {
    const largest = Math.max(...values, Number.MIN_VALUE);
    for (const [at, bar] of bars.entries()) {
      const height = ((values[at] ?? 0) / largest) * HEIGHT;
      set(bar, "height", height);
      set(bar, "y", HEIGHT - height);
    }
    write(summary, text);
    set(picture, "aria-label", text);
  }
  return { element, show };
}
