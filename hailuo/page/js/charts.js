// A picture of the last hour, with a bar for each minute.
//
//   show(values, text)    60 numbers, oldest first, null for no bar; the same in words

import { el, set, write } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
export const MINUTES = 60;

export function barChart(title, kind) {
  const caption = el("figcaption", { class: "quiet" });
  const picture = document.createElementNS(SVG, "svg");
  const bars = Array.from({ length: MINUTES }, () => document.createElementNS(SVG, "rect"));
  for (const [at, bar] of bars.entries()) {
    set(bar, "x", at + 0.1);
    set(bar, "width", 0.8);
  }
  for (const [name, value] of [["role", "img"], ["class", kind], ["viewBox", "0 0 60 100"], ["preserveAspectRatio", "none"]]) set(picture, name, value);
  picture.append(...bars);

  function show(values, text) {
    const largest = Math.max(...values) || 1;
    for (const [at, bar] of bars.entries()) {
      const height = ((values[at] ?? 0) / largest) * 100;
      set(bar, "height", height);
      set(bar, "y", 100 - height);
    }
    write(caption, text);
    set(picture, "aria-label", text);
  }
  const ends = el("div", { class: "ends quiet" }, el("span", { t: "hour_ago" }), el("span", { t: "tab_now" }));
  return { element: el("figure", {}, el("h3", { t: title }), picture, ends, caption), show };
}
