// The Now tab: what runs, and the last hour by the minute.

import { json } from "./api.js";
import { barChart, MINUTES } from "./charts.js";
import { el, say, write } from "./dom.js";
import { number, time } from "./formats.js";
import { whileShown } from "./polling.js";
import { t } from "./texts.js";

const FIGURES = ["running", "queued", "processes"];
const COLUMNS = ["minute", "answers", "first_piece", "failures"];

export function start(panel) {
  const problem = el("p", { class: "problem", role: "alert" });
  const partial = el("p", { class: "quiet", t: "partial" });
  const figures = FIGURES.map(() => el("dd"));
  const list = el("dl", { class: "figures" }, ...FIGURES.map((name, at) => el("div", {}, el("dt", { t: name }), figures[at])));
  const answers = barChart("answers_per_minute", "good");
  const firstPiece = barChart("first_piece", "good");
  const failures = barChart("failures", "bad");
  const charts = el("div", { class: "columns" }, answers.element, firstPiece.element, failures.element);
  const rows = el("tbody");
  const head = el("tr", {}, ...COLUMNS.map((name) => el("th", { scope: "col", t: name })));
  const table = el("details", {}, el("summary", { t: "as_table" }), el("table", {}, el("thead", {}, head), rows));
  const content = el("div", { class: "stack", hidden: true }, list, partial, charts, table);
  panel.classList.add("stack");
  panel.append(el("h2", { t: "now" }), problem, content);

  whileShown(panel, 5000, async () => {
    const stats = await json("GET", "stats");
    const minutes = lastHour(stats);
    figures.forEach((figure, at) => write(figure, number(stats[FIGURES[at]])));
    answers.show(minutes.map((minute) => minute.answers), answersText(minutes));
    firstPiece.show(minutes.map((minute) => minute.first_piece_s), firstPieceText(minutes));
    failures.show(minutes.map((minute) => sum(Object.values(minute.failures))), failuresText(minutes));
    showRows(rows, stats.minutes);
    partial.hidden = stats.complete !== false;
    content.hidden = false;
  }, (text) => say(problem, text));
}

// All minutes of the last hour: the gateway leaves out those without requests.
function lastHour({ now, minutes }) {
  const known = new Map(minutes.map((minute) => [minute.at, minute]));
  const first = now - (now % 60) - (MINUTES - 1) * 60;
  const nothing = { answers: 0, first_piece_s: null, failures: {} };
  return Array.from({ length: MINUTES }, (_, at) => known.get(first + at * 60) ?? nothing);
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
  return times.length ? t("first_piece_text", { last: number(times.at(-1)), most: number(Math.max(...times)) }) : t("nothing");
}

function failuresText(minutes) {
  const totals = new Map();
  for (const { failures } of minutes) for (const [code, count] of Object.entries(failures)) totals.set(code, (totals.get(code) ?? 0) + count);
  return listed([...totals].sort(([, one], [, other]) => other - one)) || t("nothing");
}

function listed(failures) {
  return failures.map(([code, count]) => `${code} ${number(count)}`).join(", ");
}

// Writes the newest minute first, into the cells that are there.
function showRows(rows, minutes) {
  while (rows.rows.length > minutes.length) rows.deleteRow(-1);
  for (const [at, minute] of minutes.toReversed().entries()) {
    const row = rows.rows[at] ?? rows.insertRow();
    const seconds = minute.first_piece_s === null ? "—" : `${number(minute.first_piece_s)} s`;
    const texts = [time(minute.at), number(minute.answers), seconds, listed(Object.entries(minute.failures)) || "—"];
    texts.forEach((text, column) => write(row.cells[column] ?? row.insertCell(), text));
  }
}
