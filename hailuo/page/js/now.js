// The Now tab: what runs, and a picture of the last hour with a bar for each minute.

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

function view(stats) {
  const minutes = lastHour(stats);
  const chart = (title, kind, valueOf, text) => barChart(`${t(title)}: ${text}`, kind, minutes.map(({ at }) => at), minutes.map(valueOf));
  const figures = ["running", "queued", "processes"].map((name) => `${t(name)}: ${number(stats[name])}`);
  return [
    el("p", {}, figures.join(" · ")),
    el("p", { class: "quiet", hidden: stats.complete }, t("partial")),
    chart("answers_per_minute", "", ({ answers }) => answers, answersText(minutes)),
    chart("first_piece", "", ({ first_piece_s: seconds }) => seconds ?? 0, firstPieceText(minutes)),
    chart("failures", "problem", ({ failures }) => sum(Object.values(failures)), failuresText(minutes)),
  ];
}

// All minutes of the last hour: the gateway leaves out those without requests.
function lastHour({ now, minutes }) {
  const known = new Map(minutes.map((minute) => [minute.at, minute]));
  return Array.from({ length: 60 }, (_, index) => {
    const at = now - (now % 60) - (59 - index) * 60;
    return known.get(at) ?? { at, answers: 0, first_piece_s: null, failures: {} };
  });
}

function sum(numbers) {
  return numbers.reduce((total, each) => total + each, 0);
}

function answersText(minutes) {
  const counts = minutes.map(({ answers }) => answers);
  return t("answers_text", { total: number(sum(counts)), most: number(Math.max(...counts)) });
}

function firstPieceText(minutes) {
  const times = minutes.map((minute) => minute.first_piece_s).filter((each) => each !== null);
  return times.length ? t("first_piece_text", { last: number(times.at(-1)), most: number(Math.max(...times)) }) : t("none");
}

function failuresText(minutes) {
  const totals = {};
  for (const { failures } of minutes) for (const [code, count] of Object.entries(failures)) totals[code] = (totals[code] ?? 0) + count;
  const sorted = Object.entries(totals).sort(([, one], [, other]) => other - one);
  return sorted.map(([code, count]) => `${code} ${number(count)}`).join(", ") || t("none");
}

function barChart(text, kind, times, values) {
  const largest = Math.max(...values) || 1;
  const bars = values.map((value, at) => {
    const height = (value / largest) * 100;
    const title = svg("title", {}, `${time(times[at])}: ${number(value)}`);
    return svg("rect", { x: at, y: 100 - height, width: 0.8, height }, title);
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
