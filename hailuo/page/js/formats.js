// Times, which are in Unix seconds, and numbers in the language of the page.

import { language } from "./texts.js";

const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

function format(at, options) {
  return new Intl.DateTimeFormat(language(), options).format(at * 1000);
}

export function date(at) {
  return format(at, { dateStyle: "medium" });
}

// A time of day, with the day if it is not today.
export function time(at) {
  const today = new Date().toDateString() === new Date(at * 1000).toDateString();
  return format(at, { hour: "numeric", minute: "2-digit", ...(today ? {} : { month: "short", day: "numeric" }) });
}

// "in 12 days", "5 minutes ago"
export function relative(at) {
  const seconds = at - Date.now() / 1000;
  const [unit, length] = UNITS.find(([, each]) => Math.abs(seconds) >= each) ?? UNITS.at(-1);
  return new Intl.RelativeTimeFormat(language()).format(Math.trunc(seconds / length), unit);
}

export function number(value) {
  return new Intl.NumberFormat(language(), { maximumFractionDigits: 2 }).format(value);
}
