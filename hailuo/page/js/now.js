// The Now tab: what runs, and pictures of the last hour with a bar for each minute.

import { json } from "./api.js";
import { el, update } from "./dom.js";
import { number, time } from "./formats.js";
import { whileShown } from "./polling.js";
import { t } from "./texts.js";

export function start(panel) {
  const content = el("div", { class: "stack" });
  panel.append(el("h2", { t: "now" }), content);
  whileShown(panel, 5000, async () => update(content, view(await json("GET", "stats"))));
}

// The gateway leaves out the minutes without requests.
function view({ now, minutes, complete, ...figures }) {
  const first = now - (now % 60) - 59 * 60;
  const chart = (title, valueOf, text, kind = "") => {
    const known = new Map(minutes.map((minute) => [minute.at, valueOf(minute)]));
    const times = Array.from({ length: 60 }, (_, index) => first + 60 * index);
    return barChart(`${t(title)}: ${text}`, kind, times.map((at) => [at, known.get(at) ?? 0]));
  };
  const answers = minutes.map((minute) => minute.answers);
  const seconds = minutes.map((minute) => minute.first_piece_s).filter((each) => each !== null);
  const most = (values) => number(Math.max(0, ...values));
  return [
    el("p", {}, ["running", "queued", "processes"].map((name) => `${t(name)}: ${number(figures[name])}`).join(" · ")),
    el("p", { class: "quiet", hidden: complete }, t("partial")),
    chart("answers_per_minute", (minute) => minute.answers, t("answers_text", { total: number(sum(answers)), most: most(answers) })),
    chart("first_piece", (minute) => minute.first_piece_s,
      seconds.length ? t("first_piece_text", { last: number(seconds.at(-1)), most: most(seconds) }) : t("none")),
    chart("failures", (minute) => sum(Object.values(minute.failures)), failuresText(minutes), "problem"),
  ];
}

function sum(numbers) {
  return numbers.reduce((total, each) => total + each, 0);
}

function failuresText(minutes) {
  const totals = new Map();
  for (const { failures } of minutes) for (const [code, count] of Object.entries(failures)) totals.set(code, (totals.get(code) ?? 0) + count);
  const sorted = [...totals].sort(([, one], [, other]) => other - one);
  return sorted.map(([code, count]) => `${code} ${number(count)}`).join(", ") || t("none");
}

function barChart(text, kind, values) {
  const largest = Math.max(...values.map(([, value]) => value)) || 1;
  const bars = values.map(([at, value], x) => {
    const height = (value / largest) * 100;
    const title = svg("title", {}, `${time(at)}: ${number(value)}`);
    return svg("rect", { x, y: 100 - height, width: 0.8, height }, title);
  });
  const picture = svg("svg", { role: "img", "aria-label": text, class: kind, viewBox: "0 0 60 100", preserveAspectRatio: "none" }, ...bars);
  return el("figure", {}, el("figcaption", {}, text), picture);
}

function svg(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
