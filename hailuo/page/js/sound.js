// Plays and offers what was spoken or recorded: a player, if the browser plays it, and a
// link to save it.

import { el } from "./dom.js";

export function soundView() {
  const player = el("audio", { controls: true, label: "try_sound" });
  const link = el("a");
  const note = el("p", { class: "quiet", t: "try_not_playable" });
  const element = el("div", { class: "row", role: "status", hidden: true }, player, link, note);

  function show(blob, name) {
    URL.revokeObjectURL(link.href);
    const href = URL.createObjectURL(blob);
    const isPlayable = player.canPlayType(blob.type) !== "";
    player.src = isPlayable ? href : "";
    Object.assign(link, { href, download: name, textContent: `↓ ${name}` });
    player.hidden = !isPlayable;
    note.hidden = isPlayable;
    element.hidden = false;
  }

  function hide() {
    player.pause();
    element.hidden = true;
  }

  // Plays, unless the browser does not let a page play by itself.
  function play() {
    return player.play().catch(() => {});
  }
  return { element, show, hide, play };
}
