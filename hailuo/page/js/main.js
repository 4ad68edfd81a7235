// Starts the page: tabs, key, language, theme.
//
// A tab's module has `start(panel)`, which is called once and fills the panel, an empty
// <section>. `shown` and `hidden` are fired at a panel when its tab is chosen or left.

import * as accounts from "./accounts.js";
import * as now from "./now.js";
import { startSettings } from "./settings.js";
import { showLanguage } from "./texts.js";
import * as trial from "./try.js";

const MODULES = { try: trial, accounts, now };

const tabs = [...document.querySelectorAll("[role=tab]")];

function panelOf(tab) {
  return document.getElementById(tab.getAttribute("aria-controls"));
}

function choose(chosen) {
  for (const tab of tabs) {
    const isChosen = tab === chosen;
    const panel = panelOf(tab);
    tab.setAttribute("aria-selected", isChosen);
    tab.tabIndex = isChosen ? 0 : -1;
    if (panel.hidden === !isChosen) continue;
    panel.hidden = !isChosen;
    panel.dispatchEvent(new Event(isChosen ? "shown" : "hidden"));
  }
  history.replaceState(null, "", `#${chosen.id.slice(4)}`);
}

function move(event) {
  const at = tabs.indexOf(event.target);
  const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: -1 }[event.key];
  if (to === undefined) return;
  const tab = tabs.at(to % tabs.length);
  tab.focus();
  choose(tab);
  event.preventDefault();
}

showLanguage();
startSettings();
for (const tab of tabs) {
  tab.addEventListener("click", () => choose(tab));
  tab.addEventListener("keydown", move);
  MODULES[tab.id.slice(4)].start(panelOf(tab));
}
document.getElementById("app").hidden = false;
document.getElementById("plain").hidden = true;
choose(document.getElementById(`tab-${location.hash.slice(1)}`) ?? tabs[0]);
