// Plays and offers what was spoken or recorded: a player, if the browser plays it, and a
// link to save it.

import { el } from "./dom.js";

export class Sound {
  #player = el("audio", { controls: true, label: "try_sound" });
  #link = el("a");
  #note = el("p", { class: "quiet", t: "try_not_playable" });
  element = el("div", { class: "row", role: "status", hidden: true }, this.#player, this.#link, this.#note);

  show(blob, name) {
    URL.revokeObjectURL(this.#link.href);
    const href = URL.createObjectURL(blob);
    const isPlayable = this.#player.canPlayType(blob.type) !== "";
    this.#player.src = isPlayable ? href : "";
    Object.assign(this.#link, { href, download: name, textContent: `↓ ${name}` });
    this.#player.hidden = !isPlayable;
    this.#note.hidden = isPlayable;
    this.element.hidden = false;
  }

  // Plays, unless the browser does not let a page play by itself.
  play() {
    return this.#player.play().catch(() => {});
  }

  hide() {
    this.#player.pause();
    this.element.hidden = true;
  }
}
