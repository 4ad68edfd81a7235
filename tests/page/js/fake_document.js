// As much of a document as drawing Markdown needs, so that its tests need no browser.

class FakeElement {
  attributes = {};
  childNodes = [];
  dataset = {};

  constructor(tag) {
    this.tag = tag;
  }

  get lastChild() {
    return this.childNodes.at(-1);
  }

  append(...children) {
    for (const child of children) if (child.tag) child.parent = this;
    this.childNodes.push(...children.filter((child) => child !== ""));
  }

  remove() {
    this.parent.childNodes.splice(this.parent.childNodes.indexOf(this), 1);
  }

  getAttribute(name) {
    return this.attributes[name] ?? null;
  }

  setAttribute(name, value) {
    this.attributes[name] = value;
  }
}

for (const [name, value] of Object.entries({
  document: { createElement: (tag) => new FakeElement(tag) },
  localStorage: { getItem: () => "en" },
})) Object.defineProperty(globalThis, name, { value });

export function newElement() {
  return new FakeElement("div");
}

// Writes elements and texts as HTML, for short expectations.
export function html(nodes) {
  return nodes.map(htmlOf).join("");
}

function htmlOf(node) {
  if (typeof node === "string") return node;
  const { rel, target, tabindex, ...attributes } = node.attributes;
  const written = Object.entries(attributes).map(([name, value]) => ` ${name}="${value}"`);
  const closes = node.tag !== "a" || rel === "noopener noreferrer" ? `</${node.tag}>` : "";
  return `<${node.tag}${written.join("")}>${html(node.childNodes)}${closes}`;
}
