// As much of a document as a MarkdownView needs, so that its tests need no browser.

class FakeElement {
  attributes = {};
  childNodes = [];
  changes = 0; // of children

  constructor(tag) {
    this.tag = tag;
  }

  get lastChild() {
    return { remove: () => this.childNodes.pop() };
  }

  append(child) {
    this.changes += 1;
    this.childNodes.push(child);
  }

  setAttribute(name, value) {
    this.attributes[name] = value;
  }
}

globalThis.document = { createElement: (tag) => new FakeElement(tag) };

export function newElement() {
  return new FakeElement("div");
}

// Returns an element's children as the tree that parse() returns.
export function treeOf(element) {
  return element.childNodes.map((child) =>
    typeof child === "string"
      ? child
      : { tag: child.tag, attributes: { ...child.attributes }, children: treeOf(child) },
  );
}
