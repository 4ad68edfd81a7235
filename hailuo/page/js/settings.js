// The key, the language, the theme, and what a newcomer on the simulator is told.

import { key, setKey } from "./api.js";
import { el } from "./dom.js";
import { language, setLanguage } from "./texts.js";

const THEMES = ["auto", "light", "dark"];
const { simulated, defaultKey } = document.documentElement.dataset;

export function startSettings() {
  startKey(document.getElementById("key-form"));
  const controls = document.getElementById("controls");
  controls.append(languageButton(), themeChoice());
  controls.hidden = false;
  if (simulated) document.getElementById("first-run").append(firstRun());
}

function startKey(form) {
  const field = el("input", { type: "password", id: "key", class: "grow", autocomplete: "off", spellcheck: "false" });
  const offer = el("button", { type: "button", id: "default-key", t: "use_default_key", on: { click: useDefault } });
  function useDefault() {
    setKey(defaultKey);
    field.focus();
  }
  function show() {
    field.value = key();
    offer.hidden = !defaultKey || key() === defaultKey;
  }
  field.addEventListener("change", () => setKey(field.value.trim()));
  form.addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("key", show);
  form.append(el("label", { for: "key", t: "key" }), field, offer);
  show();
}

function languageButton() {
  const button = el("button", { type: "button", id: "language", class: "plain", on: { click: change } });
  function change() {
    setLanguage(language() === "en" ? "zh" : "en");
    show();
  }
  function show() {
    button.textContent = language() === "en" ? "中文" : "English";
    button.lang = language() === "en" ? "zh-CN" : "en";
  }
  show();
  return button;
}

function themeChoice() {
  const options = THEMES.map((theme) => el("option", { value: theme, t: theme }));
  const choice = el("select", { id: "theme", label: "theme" }, ...options);
  function apply() {
    document.documentElement.dataset.theme = choice.value;
    localStorage.setItem("theme", choice.value);
  }
  const kept = localStorage.getItem("theme");
  choice.value = THEMES.includes(kept) ? kept : "auto";
  choice.addEventListener("change", apply);
  apply();
  return choice;
}

function firstRun() {
  const link = (address) => el("a", { href: address, target: "_blank", rel: "noreferrer" }, address);
  const code = (text) => el("code", {}, text);
  const step = (name, ...rest) => el("li", {}, el("span", { t: name }), " ", ...rest);
  const web = el("div", {}, el("h3", { t: "with_token" }), el("ol", {},
    step("sign_in", link("https://hailuoai.com/")),
    step("find_token", code("_token")),
    step("to_file", code('tokens.json: ["eyJhbGciOi…"]')),
    step("restart", code("make run"))));
  const platform = el("div", {}, el("h3", { t: "with_key" }), el("ol", {},
    step("create_key", link("https://platform.minimax.io")),
    step("to_file", code('tokens.json: ["sk-api-…"]')),
    step("china", code("HAILUO_PLATFORM_ORIGIN=https://api.minimaxi.com")),
    step("restart", code("make run"))));
  const heading = el("h2", { id: "simulator", t: "simulated" });
  const steps = el("details", {}, el("summary", { t: "how_to" }), el("div", { class: "columns" }, web, platform));
  return el("section", { class: "card", "aria-labelledby": "simulator" }, heading, el("p", { t: "simulated_more" }), steps);
}
