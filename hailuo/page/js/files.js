// Takes files by drop, paste and a button, and shows those of a message.

import { el } from "./dom.js";
import { button, problem } from "./requests.js";
import { t } from "./texts.js";

const MAX_MB = 20; // of a message's files; as base64 they are a third longer

// A file that is dropped beside the places for it would replace the page.
for (const type of ["dragover", "drop"]) {
  document.addEventListener(type, (event) => {
    if (event.dataTransfer.types.includes("Files")) event.preventDefault();
  });
}

// Calls take(files) for files that are dropped on an element or pasted into it.
export function acceptFiles(element, take) {
  for (const type of ["dragover", "dragleave", "drop", "paste"]) {
    element.addEventListener(type, (event) => {
      const { types, files } = event.dataTransfer ?? event.clipboardData;
      element.classList.toggle("over", type === "dragover" && types.includes("Files"));
      if (!files.length) return;
      event.preventDefault();
      take([...files]);
    });
  }
}

// A button that chooses files, and the hidden field that it takes for that.
export function fileButton(id, take, options) {
  const input = el("input", { type: "file", id: `${id}_file`, hidden: true, on: { change }, ...options });
  function change() {
    take([...input.files]);
    input.value = "";
  }
  return [button(id, () => input.click()), input];
}

// The files that go with the next message. next: has the focus when one was removed, and
// with it the button for that.
export function attachments(next) {
  const element = el("div");
  let chosen = [];

  function choose(files, ...problems) {
    chosen = files;
    element.replaceChildren(...problems);
    if (files.length) element.append(el("ul", { class: "files", label: "try_files" }, ...files.map(item)));
  }

  function item(file) {
    const remove = () => {
      choose(chosen.filter((other) => other !== file));
      next.focus();
    };
    const attributes = { class: "plain", "aria-label": t("try_remove", { name: file.name }), on: { click: remove } };
    return el("li", {}, fileView(file), el("button", attributes, "✕"));
  }

  function add(files) {
    const all = [...chosen, ...files];
    const isTooLarge = all.reduce((sum, { size }) => sum + size, 0) > MAX_MB << 20;
    if (isTooLarge) choose(chosen, problem(new Error(t("try_too_large", { mb: MAX_MB }))));
    else choose(all);
  }

  function take() {
    const taken = chosen;
    choose([]);
    return taken;
  }
  document.addEventListener("language", () => choose(chosen));
  choose([]);
  return { element, add, take };
}

// Shows a file's name and, of a picture, itself.
export function fileView(file) {
  const view = el("span", { class: "file" }, file.name);
  if (!isPicture(file)) return view;
  const src = URL.createObjectURL(file);
  view.prepend(el("img", { src, alt: "", on: { load: () => URL.revokeObjectURL(src) } }));
  return view;
}

function isPicture(file) {
  return file.type.startsWith("image/");
}

// Returns the part of a message that a file is, and keeps the data URI as its `uri`.
export async function part(file) {
  file.uri = await new Promise((resolve, reject) => {
    const onloadend = ({ target }) => (target.error ? reject(target.error) : resolve(target.result));
    Object.assign(new FileReader(), { onloadend }).readAsDataURL(file);
  });
  return isPicture(file)
    ? { type: "image_url", image_url: { url: file.uri } }
    : { type: "file", file: { filename: file.name, file_data: file.uri } };
}
