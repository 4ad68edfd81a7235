// Plays and offers what was spoken or recorded.

import { el } from "./dom.js";

// Shows one sound at a time: a player, if the browser plays it, and a link to save it.
export class Sound {
  #address = null;

  constructor(label) {
    this.player = el("audio", { controls: true, label });
    this.link = el("a", { t: "try_save" });
    this.note = el("p", { class: "quiet", t: "try_not_playable" });
    this.element = el("div", { class: "row", hidden: true }, this.player, this.link, this.note);
  }

  show(blob, name) {
    this.clear();
    this.#address = URL.createObjectURL(blob);
    const isPlayable = this.player.canPlayType(blob.type) !== "";
    if (isPlayable) this.player.src = this.#address;
    this.player.hidden = !isPlayable;
    this.element.hidden = false;
    this.note.hidden = isPlayable;
    Object.assign(this.link, { href: this.#address, download: name });
  }

  // Plays, unless the browser does not let a page play by itself.
  async play() {
    if (!this.player.hidden) await this.player.play().catch(() => {});
  }

  clear() {
    this.player.pause();
    this.player.removeAttribute("src");
    if (this.#address) URL.revokeObjectURL(this.#address);
    this.element.hidden = true;
  }
}
