// Plays what was spoken or recorded, and offers to save it.

import { el } from "./dom.js";

export function soundView() {
  const player = el("audio", { controls: true, label: "try_sound" });
  const link = el("a");
  const element = el("div", { class: "row", hidden: true }, player, link);

  function show(blob, name) {
    URL.revokeObjectURL(player.src);
    player.src = URL.createObjectURL(blob);
    Object.assign(link, { href: player.src, download: name, textContent: `↓ ${name}` });
    element.hidden = false;
  }

  function hide() {
    player.pause();
    element.hidden = true;
  }

  // Plays, unless the browser does not: the format, or for a page by itself.
  function play() {
    return player.play().catch(() => {});
  }
  return { element, show, hide, play };
}
