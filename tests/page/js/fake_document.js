// As much of a document as a MarkdownView needs, so that its tests need no browser.

class FakeNode {
  replaceWith(other) {
    const { childNodes } = this.parent;
    childNodes[childNodes.indexOf(this)] = other;
    other.parent = this.parent;
  }

  remove() {
    this.parent.childNodes.splice(this.parent.childNodes.indexOf(this), 1);
  }
}

class FakeText extends FakeNode {
  constructor(data) {
    super();
    this.data = data;
  }

  appendData(more) {
    this.data += more;
  }
}

class FakeElement extends FakeNode {
  attributes = {};
  childNodes = [];

  constructor(tag) {
    super();
    this.tag = tag;
  }

  get lastChild() {
    return this.childNodes.at(-1);
  }

  append(child) {
    this.childNodes.push(child);
    child.parent = this;
  }

  getAttribute(name) {
    return this.attributes[name] ?? null;
  }

  setAttribute(name, value) {
    this.attributes[name] = value;
  }
}

globalThis.document = {
  createElement: (tag) => new FakeElement(tag),
  createTextNode: (data) => new FakeText(data),
};

export function newElement() {
  return new FakeElement("div");
}

// Returns an element's children as the tree that parse() returns.
export function treeOf(element) {
  return element.childNodes.map((child) =>
    child instanceof FakeText
      ? child.data
      : { tag: child.tag, attributes: { ...child.attributes }, children: treeOf(child) },
  );
}
