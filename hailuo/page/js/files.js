// Takes files by drop, paste and a button, and shows those that go with a message.

import { el, say } from "./dom.js";
import { t } from "./texts.js";

const MB = 1024 * 1024;
const MAX_BYTES = 20 * MB; // of a message's files; as base64 they are a third longer
const MAX_FILES = 20;

// A file that is dropped beside the places for it would replace the page.
for (const type of ["dragover", "drop"]) {
  document.addEventListener(type, (event) => {
    if (hasFiles(event)) event.preventDefault();
  });
}

function hasFiles(event) {
  return event.dataTransfer.types.includes("Files");
}

// Calls take(files) for files that are dropped on an element.
export function acceptDrops(element, take) {
  const mark = (isOver) => element.classList.toggle("over", isOver);
  element.addEventListener("dragover", (event) => mark(hasFiles(event)));
  element.addEventListener("dragleave", () => mark(false));
  element.addEventListener("drop", (event) => {
    mark(false);
    if (hasFiles(event)) take([...event.dataTransfer.files]);
  });
}

// A button that chooses files. options: attributes of the file field.
export function fileButton(id, text, take, options) {
  const field = el("input", { type: "file", id, label: text, hidden: true, ...options });
  field.addEventListener("change", () => {
    if (field.files.length) take([...field.files]);
    field.value = "";
  });
  return [el("button", { type: "button", t: text, on: { click: () => field.click() } }), field];
}

// The files that go with the next message: { file, picture }, picture being the address
// of a preview, or null.
export class Attachments {
  #chosen = [];
  #removed;

  // removed: called when one was removed, and with it the button that had the focus.
  constructor(removed) {
    this.#removed = removed;
    this.problem = el("p", { class: "problem", role: "alert", hidden: true });
    this.element = el("ul", { class: "files", label: "try_files", hidden: true });
  }

  add(files) {
    say(this.problem, "");
    for (const file of files) {
      const bytes = this.#chosen.reduce((sum, chosen) => sum + chosen.file.size, file.size);
      if (bytes > MAX_BYTES) say(this.problem, t("try_too_large", { name: file.name, mb: MAX_BYTES / MB }));
      else if (this.#chosen.length === MAX_FILES) say(this.problem, t("try_too_many", { count: MAX_FILES }));
      else this.#chosen.push({ file, picture: isPicture(file) ? URL.createObjectURL(file) : null });
    }
    this.#show();
  }

  // Returns the files, of which there are none then.
  take() {
    const taken = this.#chosen;
    this.putBack([]);
    return taken;
  }

  putBack(taken) {
    this.#chosen = taken;
    say(this.problem, "");
    this.#show();
  }

  #show() {
    this.element.replaceChildren(...this.#chosen.map((chosen) => this.#item(chosen)));
    this.element.hidden = !this.#chosen.length;
  }

  #item(chosen) {
    const { name } = chosen.file;
    const remove = () => {
      forget([chosen]);
      this.putBack(this.#chosen.filter((other) => other !== chosen));
      this.#removed();
    };
    const attributes = { type: "button", class: "plain", "aria-label": t("try_remove", { name }) };
    return el("li", {}, fileView(chosen), el("button", { ...attributes, on: { click: remove } }, "✕"));
  }
}

// Shows a file's name and, of a picture, itself.
export function fileView({ file, picture }) {
  return el("span", { class: "file" }, picture && el("img", { src: picture, alt: "" }), file.name);
}

// Frees what the previews of files hold.
export function forget(chosen) {
  for (const { picture } of chosen) if (picture) URL.revokeObjectURL(picture);
}

export function isPicture(file) {
  return file.type.startsWith("image/");
}

export function dataUri(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}
