// Starts the page: key, language, tabs.
//
// A tab's module has `start(panel)`, which is called once and fills the panel, an empty
// <section>. `shown` is fired at a panel when its tab is chosen.

import * as accounts from "./accounts.js";
import { key, setKey } from "./api.js";
import * as now from "./now.js";
import { language, setLanguage, showLanguage } from "./texts.js";
import * as trial from "./try.js";

const MODULES = { try: trial, accounts, now };
const find = (id) => document.getElementById(id);

function startKey() {
  const field = find("key");
  const offer = find("default-key");
  function show() {
    field.value = key();
    offer.hidden = [key(), ""].includes(offer.value);
  }
  find("key-form").addEventListener("submit", (event) => event.preventDefault());
  field.addEventListener("change", () => setKey(field.value.trim()));
  offer.addEventListener("click", () => {
    setKey(offer.value);
    field.focus();
  });
  document.addEventListener("key", show);
  show();
}

function startLanguage() {
  const button = find("language");
  const other = () => (language() === "en" ? "zh" : "en");
  function show() {
    button.textContent = { en: "English", zh: "中文" }[other()];
    button.lang = other();
    button.hidden = false;
  }
  button.addEventListener("click", () => setLanguage(other()));
  document.addEventListener("language", show);
  showLanguage();
}

function showPanel() {
  const chosen = MODULES[location.hash.slice(1)] ? location.hash.slice(1) : "try";
  for (const name of Object.keys(MODULES)) {
    find(`panel-${name}`).hidden = name !== chosen;
    find(`tab-${name}`).ariaCurrent = name === chosen ? "page" : null;
  }
  find(`panel-${chosen}`).dispatchEvent(new Event("shown"));
}

startKey();
startLanguage();
for (const [name, module] of Object.entries(MODULES)) module.start(find(`panel-${name}`));
find("app").hidden = false;
find("plain").hidden = true;
window.addEventListener("hashchange", showPanel);
showPanel();
