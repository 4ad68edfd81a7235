// Shows a subset of Markdown: a text becomes a tree, and the tree elements and texts.
// Nothing is ever read as HTML, and time is linear in the length of the text.
//
//   parse(text)                       [node, …]: texts and { tag, attributes, children }
//   view = new MarkdownView(element)
//   view.update(text)                 shows the text, which begins with the last one's

const MAX_DEPTH = 6; // of lists and quotes in each other; deeper ones are text

const FENCE = /^ {0,3}(?:(`{3,})[^`]*|(~{3,}).*)$/s;
const HEADING = /^ {0,3}(#{1,6})[ \t](.*)$/s;
const ITEM = /^( *)([-*+]|\d{1,9}[.)])(?:[ \t]+(?=\S)|$)/;
const QUOTE = /^ {0,3}> ?/;

export function parse(text) {
  return nodesOf(text.split("\n"));
}

export class MarkdownView {
  #element;
  #finished = { characters: 0, nodes: 0 }; // what can no longer change
  #shown = []; // after those

  constructor(element) {
    this.#element = element;
  }

  update(text) {
    const lines = text.slice(this.#finished.characters).split("\n");
    const found = [...blocks(lines, 0)];
    const nodes = found.map(([block]) => block);
    patch(this.#element, this.#finished.nodes, this.#shown, nodes);
    // A block is finished by the next one, of which two whole lines decide that it is one.
    const open = Math.max(0, found.findLastIndex(([, start]) => start + 2 < lines.length));
    for (const line of lines.slice(0, found[open]?.[1] ?? 0)) this.#finished.characters += line.length + 1;
    this.#finished.nodes += open;
    this.#shown = nodes.slice(open);
  }
}

// Has an element show nodes instead of those shown before, from one of its children on.
// Only what differs is touched: layout costs little, and a selection stays.
function patch(element, from, shown, nodes) {
  nodes.forEach((next, at) => {
    const child = element.childNodes[from + at];
    const before = shown[at];
    if (before === undefined) element.append(created(next));
    else if (next.tag !== before.tag) child.replaceWith(created(next));
    else if (next.tag) refresh(child, before.children, next);
    else if (next.startsWith(before)) child.appendData(next.slice(before.length));
    else child.data = next;
  });
  while (element.childNodes.length > from + nodes.length) element.lastChild.remove();
}

function created(next) {
  return next.tag ? refresh(document.createElement(next.tag), [], next) : document.createTextNode(next);
}

function refresh(element, shown, { attributes, children }) {
  for (const [name, value] of Object.entries(attributes)) {
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  }
  patch(element, 0, shown, children);
  return element;
}

function node(tag, children, attributes = {}) {
  return { tag, attributes, children };
}

function nodesOf(lines, depth = 0) {
  return [...blocks(lines, depth)].map(([block]) => block);
}

// Yields each block, and the number of its first line.
function* blocks(lines, depth) {
  for (let at = 0; at < lines.length; ) {
    const start = at;
    if (!lines[at].trim()) at += 1;
    else {
      const [block, end] = readBlock(lines, at, depth);
      yield [block, start];
      at = end;
    }
  }
}

// Returns the block that begins at a line, and the number of the line after it.
function readBlock(lines, at, depth) {
  const line = lines[at];
  const fence = FENCE.exec(line);
  if (fence) return readCode(lines, at, fence[1] ?? fence[2]);
  const heading = HEADING.exec(line);
  if (heading) return [node(`h${Math.min(heading[1].length + 2, 6)}`, inline(heading[2].trim())), at + 1];
  if (isRule(line)) return [node("hr", []), at + 1];
  if (depth < MAX_DEPTH && QUOTE.test(line)) return readQuote(lines, at, depth);
  if (depth < MAX_DEPTH && ITEM.test(line)) return readList(lines, at, depth);
  if (isTable(lines, at)) return readTable(lines, at);
  const end = endOf(lines, at, (next) => !begins(lines, next, depth));
  return [node("p", inline(lines.slice(at, end).map((part) => part.trim()).join("\n"))), end];
}

// Returns the number of the first line after one that does not belong to its block.
function endOf(lines, at, belongs) {
  let end = at + 1;
  while (end < lines.length && belongs(end)) end += 1;
  return end;
}

// Tells whether a line is empty or begins a block that is no paragraph.
function begins(lines, at, depth) {
  const line = lines[at];
  if (!line.trim() || FENCE.test(line) || HEADING.test(line) || isRule(line) || isTable(lines, at)) return true;
  return depth < MAX_DEPTH && (QUOTE.test(line) || ITEM.test(line));
}

function isRule(line) {
  return /^(\*{3,}|-{3,}|_{3,})$/.test(line.replace(/[ \t]/g, ""));
}

function readCode(lines, at, mark) {
  const isEnd = (line) => line.startsWith(mark) && !line.replaceAll(mark[0], "");
  const end = endOf(lines, at, (next) => !isEnd(lines[next].trim()));
  const code = node("code", [lines.slice(at + 1, end).join("\n")]);
  return [node("pre", [code], { tabindex: "0" }), end + 1];
}

function readQuote(lines, at, depth) {
  const end = endOf(lines, at, (next) => QUOTE.test(lines[next]));
  const inner = lines.slice(at, end).map((line) => line.replace(QUOTE, ""));
  return [node("blockquote", nodesOf(inner, depth + 1)), end];
}

// An item has the lines that are indented more than its mark, and those that go on with
// its text; the list ends at a line that is neither of an item nor empty.
function readList(lines, at, depth) {
  const [, { length: indent }, mark] = ITEM.exec(lines[at]);
  const isOrdered = /\d/.test(mark);
  const items = [];
  let end = at;
  for (;;) {
    const item = ITEM.exec(lines[end] ?? "");
    if (!item || item[1].length > indent + 1 || /\d/.test(item[2]) !== isOrdered) break;
    const start = end;
    end = endOf(lines, start, (next) => {
      const width = lines[next].search(/\S/);
      return width < 0 || width > item[1].length + 1 || (lines[next - 1].trim() && !begins(lines, next, depth));
    });
    const [{ length: margin }] = item;
    const others = lines.slice(start + 1, end).map((line) => line.slice(Math.min(margin, line.search(/\S|$/))));
    const own = [lines[start].slice(margin), ...others];
    items.push(node("li", tight(nodesOf(own, depth + 1))));
  }
  const attributes = isOrdered && parseInt(mark, 10) !== 1 ? { start: `${parseInt(mark, 10)}` } : {};
  return [node(isOrdered ? "ol" : "ul", items, attributes), end];
}

// Returns the children of an item, without the paragraph around its only text.
function tight([first, ...others]) {
  if (!first) return [];
  const isAlone = first.tag === "p" && others.every(({ tag }) => tag !== "p");
  return isAlone ? [...first.children, ...others] : [first, ...others];
}

function isTable(lines, at) {
  const rule = lines[at + 1] ?? "";
  return lines[at].includes("|") && /^[ |:-]+$/.test(rule) && rule.includes("|") && rule.includes("-");
}

function readTable(lines, at) {
  const end = endOf(lines, at, (next) => lines[next].includes("|"));
  const row = (line, tag) => node("tr", cells(line).map((cell) => node(tag, inline(cell))));
  const head = node("thead", [row(lines[at], "th")]);
  const body = node("tbody", lines.slice(at + 2, end).map((line) => row(line, "td")));
  return [node("div", [node("table", [head, body])], { class: "table", tabindex: "0" }), end];
}

function cells(line) {
  const inner = line.trim().replace(/^\||\|$/g, "");
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

const TOKEN = new RegExp(
  [
    /\\([!-/:-@[-`{-~])/, // an escape
    /(`+)/,
    /(\*+|_+|~~)/,
    /(!?\[)/,
    /\]\(\s*((?:[^\s()]|\([^\s()]*\))+)(?:[ \t]+"[^"\n]*")?\s*\)/, // the end of a link
    /\]|https?:\/\/[\w.~:/?#@!$&'+,;=%-]*[\w/=#&%~-]/,
  ].map(({ source }) => source).join("|"),
  "g",
);
const TAGS = { "*": "em", _: "em", "**": "strong", __: "strong", "~~": "del" };

// The nodes of a text as they are read: a mark opens a node on the stack, which its
// counterpart closes. No mark is open twice, so the stack stays low.
class Spans {
  #stack = [{ children: [] }];

  add(child) {
    const { children } = this.#stack.at(-1);
    if (typeof child === "string" && typeof children.at(-1) === "string") children.push(children.pop() + child);
    else if (child) children.push(child);
  }

  heightOf(mark) {
    return this.#stack.findLastIndex((open) => open.mark === mark);
  }

  open(mark, source = mark) {
    this.#stack.push({ mark, source, children: [] });
  }

  close(mark, tag, attributes) {
    this.flatten(this.heightOf(mark));
    this.add(node(tag, this.#stack.pop().children, attributes));
  }

  // Takes the nodes above a height back as texts.
  flatten(height) {
    while (this.#stack.length > height + 1) {
      const { source, children } = this.#stack.pop();
      this.add(source);
      for (const child of children) this.add(child);
    }
  }

  end() {
    this.flatten(0);
    return this.#stack[0].children;
  }
}

function inline(text) {
  const spans = new Spans();
  const tokens = [...text.matchAll(TOKEN)];
  const closers = codeClosers(tokens);
  let done = 0;
  tokens.forEach((token, at) => {
    const { index } = token;
    const [whole, escape, ticks, run, bracket, target] = token;
    if (index < done) return; // within a code span
    spans.add(text.slice(done, index));
    done = index + whole.length;
    const link = spans.heightOf("[");
    if (escape) spans.add(escape);
    else if (ticks && closers[at]) {
      const { index: end } = closers[at];
      spans.add(node("code", [text.slice(done, end).replace(/^ (.*) $/s, "$1")]));
      done = end + ticks.length;
    } else if (run?.length <= 3) emphasize(spans, run, text[index - 1], text[done]);
    else if (bracket && link < 0) spans.open("[", bracket);
    else if (link > 0 && isSafe(target)) spans.close("[", "a", linkTo(target));
    else if (link < 0 && whole.startsWith("http")) spans.add(node("a", [whole], linkTo(whole)));
    else {
      if (link > 0 && whole[0] === "]") spans.flatten(link - 1);
      spans.add(whole);
    }
  });
  spans.add(text.slice(done));
  return spans.end();
}

function emphasize(spans, run, before = " ", after = " ") {
  const isInWord = run[0] === "_" && [before, after].every((character) => /[\p{L}\p{N}]/u.test(character));
  const opens = /\S/.test(after) && !isInWord;
  const closes = /\S/.test(before) && !isInWord;
  for (let rest = run; rest; ) {
    const marks = [rest.slice(0, 2), rest[0]].filter((mark) => mark in TAGS);
    const isOpen = (mark) => spans.heightOf(mark) > 0;
    const [last] = marks.filter(isOpen).sort((one, other) => spans.heightOf(other) - spans.heightOf(one));
    const next = marks.find((mark) => !isOpen(mark));
    const mark = (closes && last) || (opens && next) || rest;
    if (closes && last) spans.close(mark, TAGS[mark]);
    else if (opens && next) spans.open(mark);
    else spans.add(mark);
    rest = rest.slice(mark.length);
  }
}

// Returns, for each token of ticks, the next one with as many.
function codeClosers(tokens) {
  const next = new Map();
  const closers = [];
  for (let at = tokens.length - 1; at >= 0; at -= 1) {
    closers[at] = next.get(tokens[at][2]);
    next.set(tokens[at][2], tokens[at]);
  }
  return closers;
}

export function isSafe(address) {
  return /^(https?:\/\/|mailto:)/i.test(address);
}

export function linkTo(address) {
  return { href: address, target: "_blank", rel: "noopener noreferrer" };
}
