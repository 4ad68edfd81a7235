// The Now tab: what runs, and the last hour by the minute.

import { json } from "./api.js";
import { barChart, MINUTES } from "./charts.js";
import { el, say, write } from "./dom.js";
import { number, time } from "./formats.js";
import { whileShown } from "./polling.js";
import { t } from "./texts.js";

const INTERVAL = 5000;
const FIGURES = ["running", "queued", "processes"];
const COLUMNS = ["minute", "answers", "first_piece", "failures"];

export function start(panel) {
  const problem = el("p", { class: "problem", role: "alert", hidden: true });
  const partial = el("p", { class: "quiet", t: "partial", hidden: true });
  const figures = figureList();
  const answers = barChart("answers_per_minute");
  const firstPiece = barChart("first_piece");
  const failures = barChart("failures", "failures");
  const table = minuteTable();
  const charts = el("div", { class: "columns" }, answers.element, firstPiece.element, failures.element);
  const content = el("div", { class: "stack", hidden: true }, figures.element, partial, charts, table.element);
  panel.classList.add("stack");
  panel.append(el("h2", { t: "now" }), problem, content);

  async function update() {
    const stats = await json("GET", "stats");
    const minutes = lastHour(stats);
    figures.show(stats);
    answers.show(minutes.map((minute) => minute.answers), answersText(minutes));
    firstPiece.show(minutes.map((minute) => minute.first_piece_s), firstPieceText(minutes));
    failures.show(minutes.map((minute) => sum(Object.values(minute.failures))), failuresText(minutes));
    table.show(stats.minutes);
    partial.hidden = stats.complete !== false;
    content.hidden = false;
  }
  whileShown(panel, INTERVAL, update, (text) => say(problem, text));
}

// Every minute of the last hour; those without requests are absent in the answer.
function lastHour({ now, minutes }) {
  const known = new Map(minutes.map((minute) => [minute.at, minute]));
  const current = now - (now % 60);
  return Array.from({ length: MINUTES }, (_, at) => known.get(current - (MINUTES - 1 - at) * 60) ?? { answers: 0, first_piece_s: null, failures: {} });
}

function sum(numbers) {
  return numbers.reduce((total, each) => total + each, 0);
}

function answersText(minutes) {
  const counts = minutes.map((minute) => minute.answers);
  return t("answers_text", { total: number(sum(counts)), most: number(Math.max(...counts)) });
}

function firstPieceText(minutes) {
  const times = minutes.map((minute) => minute.first_piece_s).filter((each) => each !== null);
  if (!times.length) return t("nothing");
  return t("first_piece_text", { last: number(times.at(-1), 2), most: number(Math.max(...times), 2) });
}

function failuresText(minutes) {
  const totals = new Map();
  for (const { failures } of minutes) for (const [code, count] of Object.entries(failures)) totals.set(code, (totals.get(code) ?? 0) + count);
  return listed([...totals].sort(([, one], [, other]) => other - one)) || t("nothing");
}

function listed(failures) {
  return failures.map(([code, count]) => `${code} ${number(count)}`).join(", ");
}

function figureList() {
  const values = FIGURES.map(() => el("dd"));
  const element = el("dl", { class: "figures" }, ...FIGURES.map((name, at) => el("div", {}, el("dt", { t: name }), values[at])));
  const show = (stats) => values.forEach((value, at) => write(value, number(stats[FIGURES[at]])));
  return { element, show };
}

// The same in words, the newest minute first. Cells are kept and changed.
function minuteTable() {
  const body = el("tbody");
  const head = el("tr", {}, ...COLUMNS.map((name) => el("th", { scope: "col", t: name })));
  const element = el("details", {}, el("summary", { t: "as_table" }), el("table", {}, el("thead", {}, head), body));

  function show(minutes) {
    while (body.rows.length > minutes.length) body.deleteRow(-1);
    for (const [at, minute] of [...minutes].reverse().entries()) {
      const row = body.rows[at] ?? body.insertRow();
      const seconds = minute.first_piece_s === null ? "—" : `${number(minute.first_piece_s, 2)} s`;
      const texts = [time(minute.at), number(minute.answers), seconds, listed(Object.entries(minute.failures)) || "—"];
      texts.forEach((text, column) => write(row.cells[column] ?? row.insertCell(), text));
    }
  }
  return { element, show };
}
