// Times, which are in Unix seconds, and numbers in the language of the page.

import { language } from "./texts.js";

const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

export function date(at) {
  return new Date(at * 1000).toLocaleDateString(language(), { dateStyle: "medium" });
}

// The day and its time: of the weekday alone, one could not tell today from a week later.
export function time(at) {
  return new Date(at * 1000).toLocaleString(language(), { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" });
}

// "in 12 days", "5 minutes ago"
export function relative(at) {
  const seconds = at - Date.now() / 1000;
  const [unit, length] = UNITS.find(([, each]) => Math.abs(seconds) >= each) ?? UNITS.at(-1);
  return new Intl.RelativeTimeFormat(language()).format(Math.trunc(seconds / length), unit);
}

export function number(value) {
  return value.toLocaleString(language(), { maximumFractionDigits: 2 });
}
