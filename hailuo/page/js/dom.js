// Builds elements. Everything becomes text or an attribute, never markup.
//
//   el("button", { type: "button", t: "stop", on: { click: stop } })
//   el("p", { class: "quiet" }, "Answered by ", el("strong", {}, model))
//
// t: key of the element's text in texts.js; label, hint: of its aria-label, placeholder.
// All three follow the language. Other names are attributes: true sets one without a
// value, false and null leave it out. Children are nodes or texts; null is left out.

import { translate } from "./texts.js";

export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") for (const [type, listener] of Object.entries(value)) element.addEventListener(type, listener);
    else if (["t", "label", "hint"].includes(name)) element.dataset[name] = value;
    else if (value !== false && value !== null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  translate(element);
  return element;
}

// Gives an element these children. Those that are equal already are kept, so that focus
// and selection survive.
export function update(element, children) {
  for (const [at, child] of children.entries()) {
    const shown = element.children[at];
    if (!shown) element.append(child);
    else if (!shown.isEqualNode(child)) shown.replaceWith(child);
  }
  while (element.children.length > children.length) element.lastChild.remove();
}

// Says a text to screen readers.
export function announce(text) {
  document.getElementById("live").textContent = text;
}
