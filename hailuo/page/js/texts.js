// The page's texts in English and Chinese, and the language in use.
//
//   t("in_days", { n: 12 })   "in 12 days": each {n} of the text is replaced
//   language()                "en" or "zh"
//   setLanguage("zh")         translates the page, then `language` is fired at document,
//                             at which whoever wrote a t() into the page writes it again
//
// Texts of the Try tab are in texts_try.js, which has the same form.

import { TRY } from "./texts_try.js";

const LANGUAGES = ["en", "zh"];
const TEXTS = {
  ...TRY,
  tabs: ["Sections", "栏目"],
  tab_try: ["Try", "试用"],
  tab_accounts: ["Accounts", "账号"],
  tab_now: ["Now", "实时"],
  about: ["From a program", "在程序中使用"],
  base_url: ["Base URL for any OpenAI client:", "任何 OpenAI 客户端的 Base URL："],
};

let current = preferred();

function preferred() {
  const kept = localStorage.getItem("language");
  return LANGUAGES.includes(kept) ? kept : navigator.language.startsWith("zh") ? "zh" : "en";
}

export function language() {
  return current;
}

export function t(key, values = {}) {
  const text = TEXTS[key][LANGUAGES.indexOf(current)];
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

export function setLanguage(chosen) {
  current = chosen;
  localStorage.setItem("language", chosen);
  document.documentElement.lang = chosen === "zh" ? "zh-CN" : "en";
  for (const element of document.querySelectorAll("[data-t], [data-label], [data-hint]")) translate(element);
  document.dispatchEvent(new Event("language"));
}

export function translate(element) {
  const { t: text, label, hint } = element.dataset;
  if (text) element.textContent = t(text);
  if (label) element.setAttribute("aria-label", t(label));
  if (hint) element.setAttribute("placeholder", t(hint));
}
