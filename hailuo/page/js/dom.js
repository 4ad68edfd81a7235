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
    else if (["t", "label", "hint"].includes(name)) element.setAttribute(`data-${name}`, value);
    else set(element, name, value);
  }
  element.append(...children.filter((child) => child !== null));
  translate(element);
  return element;
}

export function set(element, name, value) {
  if (value === false || value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value === true ? "" : value);
}

// Says a text to screen readers.
export function announce(text) {
  document.getElementById("live").textContent = text;
}

// Changes an element's text only if it is another, so that a selection survives.
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// Shows a text in an element that is hidden without one.
export function say(element, text) {
  write(element, text);
  element.hidden = !text;
}
