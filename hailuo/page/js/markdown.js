// Shows a subset of Markdown: a text becomes a tree, and the tree elements and texts.
// Nothing is ever read as HTML, and time is linear in the length of the text.
//
//   parse(text)                        [node, …], where a node is a text or
//                                      { tag, attributes, children }
//   const view = new MarkdownView(element)
//   view.update(text)                  shows the text, which begins with the last one's

const MAX_DEPTH = 6; // of lists and quotes in each other; deeper ones are text

const FENCE = /^ {0,3}(`{3,}|~{3,})([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})[ \t](.*)$/s;
const ITEM = /^( *)([-*+]|\d{1,9}[.)])(?:[ \t]+(?=\S)|$)/;
const QUOTE = /^ {0,3}> ?/;
const TABLE_RULE = /^[ |:-]+$/;

export function parse(text) {
  return [...blocks(text.split("\n"), 0)].map((block) => block.node);
}

export class MarkdownView {
  #element;
  #finished = { characters: 0, nodes: 0 }; // what can no longer change
  #shown = []; // nodes after those

  constructor(element) {
    this.#element = element;
  }

  update(text) {
    const lines = text.slice(this.#finished.characters).split("\n");
    const found = [...blocks(lines, 0)];
    const nodes = found.map((block) => block.node);
    patch(this.#element, this.#finished.nodes, this.#shown, nodes);
    // A block is finished by the next one, of which two whole lines decide that it is one.
    const open = Math.max(0, found.findLastIndex(({ start }) => start + 2 < lines.length));
    for (const line of lines.slice(0, found[open]?.start ?? 0)) this.#finished.characters += line.length + 1;
    this.#finished.nodes += open;
    this.#shown = nodes.slice(open);
  }
}

function node(tag, children, attributes = {}) {
  return { tag, attributes, children };
}

// Yields the blocks as { node, start }, start being the number of their first line.
function* blocks(lines, depth) {
  let at = 0;
  while (at < lines.length) {
    if (!lines[at].trim()) {
      at += 1;
      continue;
    }
    const start = at;
    const [block, end] = readBlock(lines, at, depth);
    at = end;
    yield { node: block, start };
  }
}

// Returns the block that begins at a line, and the number of the line after it.
function readBlock(lines, at, depth) {
  const line = lines[at];
  const fence = FENCE.exec(line);
  if (fence) return readCode(lines, at, fence);
  const heading = HEADING.exec(line);
  if (heading) return [node(`h${Math.min(heading[1].length + 2, 6)}`, inline(heading[2].trim())), at + 1];
  if (isRule(line)) return [node("hr", []), at + 1];
  if (depth < MAX_DEPTH && QUOTE.test(line)) return readQuote(lines, at, depth);
  if (depth < MAX_DEPTH && ITEM.test(line)) return readList(lines, at, depth);
  if (isTable(lines, at)) return readTable(lines, at);
  let end = at + 1;
  while (end < lines.length && !interrupts(lines, end, depth)) end += 1;
  const text = lines.slice(at, end).map((part) => part.trim());
  return [node("p", inline(text.join("\n"))), end];
}

function isRule(line) {
  return /^(\*{3,}|-{3,}|_{3,})$/.test(line.replace(/[ \t]/g, ""));
}

// Tells whether a line ends a paragraph.
function interrupts(lines, at, depth) {
  const line = lines[at];
  const begins = FENCE.test(line) || HEADING.test(line) || isRule(line) || isTable(lines, at);
  return !line.trim() || begins || (depth < MAX_DEPTH && (QUOTE.test(line) || ITEM.test(line)));
}

function readCode(lines, at, [, mark, language]) {
  const isEnd = (line) => line.trim().startsWith(mark) && !line.trim().replaceAll(mark[0], "");
  let end = at + 1;
  while (end < lines.length && !isEnd(lines[end])) end += 1;
  const code = node("code", [lines.slice(at + 1, end).join("\n")]);
  const attributes = { tabindex: "0", ...(language.trim() && { "data-language": language.trim() }) };
  return [node("pre", [code], attributes), end + 1];
}

function readQuote(lines, at, depth) {
  let end = at + 1;
  while (end < lines.length && QUOTE.test(lines[end])) end += 1;
  const inner = lines.slice(at, end).map((line) => line.replace(QUOTE, ""));
  return [node("blockquote", nodesOf(inner, depth)), end];
}

function nodesOf(lines, depth) {
  return [...blocks(lines, depth + 1)].map((block) => block.node);
}

// An item has the lines that are indented more than its mark; the list ends at a line
// that is neither such a line nor an item nor empty.
function readList(lines, at, depth) {
  const [, indent, firstMark] = ITEM.exec(lines[at]);
  const isOrdered = /\d/.test(firstMark);
  const items = [];
  let end = at;
  while (end < lines.length) {
    const item = ITEM.exec(lines[end]);
    if (!item || item[1].length > indent.length + 1 || /\d/.test(item[2]) !== isOrdered) break;
    const own = [lines[end].slice(item[0].length)];
    const width = item[1].length + 1;
    end += 1;
    while (end < lines.length && belongs(lines, end, width, depth)) {
      own.push(unindented(lines[end], item[0].length));
      end += 1;
    }
    items.push(node("li", tight(nodesOf(own, depth))));
  }
  const first = parseInt(firstMark, 10);
  const attributes = isOrdered && first !== 1 ? { start: String(first) } : {};
  return [node(isOrdered ? "ol" : "ul", items, attributes), end];
}

function belongs(lines, at, width, depth) {
  const line = lines[at];
  if (!line.trim()) return true;
  if (line.search(/\S/) > width) return true;
  return lines[at - 1].trim() !== "" && !interrupts(lines, at, depth);
}

function unindented(line, width) {
  return line.slice(Math.min(width, Math.max(line.search(/\S/), 0)));
}

// Returns the children of an item, without the paragraph around a first text.
function tight(nodes) {
  const [first, ...others] = nodes;
  return first?.tag === "p" && !others.some(({ tag }) => tag === "p") ? [...first.children, ...others] : nodes;
}

function isTable(lines, at) {
  const rule = lines[at + 1] ?? "";
  return lines[at].includes("|") && rule.includes("-") && TABLE_RULE.test(rule);
}

function readTable(lines, at) {
  const row = (line, tag) => node("tr", cells(line).map((cell) => node(tag, inline(cell))));
  let end = at + 2;
  while (end < lines.length && lines[end].includes("|")) end += 1;
  const head = node("thead", [row(lines[at], "th")]);
  const body = node("tbody", lines.slice(at + 2, end).map((line) => row(line, "td")));
  return [node("div", [node("table", [head, body])], { class: "table", tabindex: "0" }), end];
}

function cells(line) {
  const inner = line.trim().replace(/^\|/, "").replace(/\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

// The tokens of a line: an escape, a run of marks, a link's end, an address.
const TARGET = /\]\(\s*((?:[^\s()]|\([^\s()]*\))+)(?:[ \t]+"[^"\n]*")?\s*\)/;
const ADDRESS = /https?:\/\/[\w.~:/?#@!$&'+,;=%-]*[\w/=#&%~-]/;
const TOKEN = new RegExp(
  [/\\([!-/:-@[-`{-~])/, /(`+)/, /(\*+|_+|~~)/, /(!?\[)/, TARGET, /(\])/, ADDRESS]
    .map((pattern) => pattern.source)
    .join("|"),
  "g",
);
const TAGS = { "*": "em", _: "em", "**": "strong", __: "strong", "~~": "del" };

// Returns the nodes of a text: each mark opens a node on a stack, which its counterpart
// closes. No mark is open twice, so the stack has a few nodes at most.
function inline(text) {
  const tokens = [...text.matchAll(TOKEN)];
  const closers = codeClosers(tokens);
  const stack = [{ mark: "", children: [] }];
  const add = (...children) => stack.at(-1).children.push(...children);
  const openAt = (mark) => stack.findLastIndex((open) => open.mark === mark);
  // Takes the nodes above a height back as texts.
  const flatten = (height) => {
    while (stack.length > height) {
      const { source, children } = stack.pop();
      add(source);
      for (const child of children) add(child);
    }
  };
  const open = (mark, source = mark) => stack.push({ mark, source, children: [] });
  const close = (mark, make) => {
    flatten(openAt(mark) + 1);
    const { children } = stack.pop();
    add(make(children));
  };

  let done = 0;
  for (let at = 0; at < tokens.length; at += 1) {
    const [whole, escape, ticks, run, bracket, target] = tokens[at];
    const { index } = tokens[at];
    if (index < done) continue; // inside a code span
    add(text.slice(done, index));
    done = index + whole.length;
    if (escape) add(escape);
    else if (ticks && closers[at]) {
      const end = closers[at].index;
      add(node("code", [text.slice(done, end).replace(/^ (.*) $/s, "$1")]));
      done = end + ticks.length;
    } else if (run?.length <= 3) emphasize(run, text[index - 1] ?? " ", text[done] ?? " ");
    else if (bracket && openAt("[") < 0) open("[", bracket);
    else if (target && openAt("[") > 0 && isSafe(target)) close("[", (children) => link(target, children));
    else if (whole.startsWith("http") && openAt("[") < 0) add(link(whole, [whole]));
    else {
      if (whole.startsWith("]") && openAt("[") > 0) flatten(openAt("["));
      add(whole);
    }
  }
  add(text.slice(done));
  flatten(1);
  return joined(stack[0].children);

  function emphasize(run, before, after) {
    const word = /[\p{L}\p{N}]/u;
    const isInWord = run[0] === "_" && word.test(before) && word.test(after);
    const opens = /\S/.test(after) && !isInWord;
    const closes = /\S/.test(before) && !isInWord;
    let rest = run;
    while (rest) {
      const marks = [rest.slice(0, 2), rest[0]].filter((mark) => mark in TAGS);
      const [closing] = marks.filter((mark) => openAt(mark) > 0).sort((a, b) => openAt(b) - openAt(a));
      const opening = marks.find((mark) => openAt(mark) < 0);
      const mark = closes && closing ? closing : opens && opening ? opening : rest;
      if (closes && closing) close(mark, (children) => node(TAGS[mark], children));
      else if (opens && opening) open(mark);
      else add(mark);
      rest = rest.slice(mark.length);
    }
  }
}

// Returns, for each token of ticks, the next token with as many.
function codeClosers(tokens) {
  const next = new Map();
  const closers = [];
  for (let at = tokens.length - 1; at >= 0; at -= 1) {
    const ticks = tokens[at][2];
    if (!ticks) continue;
    closers[at] = next.get(ticks);
    next.set(ticks, tokens[at]);
  }
  return closers;
}

export function isSafe(address) {
  return /^(https?:\/\/|mailto:)/i.test(address);
}

function link(href, children) {
  return node("a", children, { href, rel: "noopener noreferrer", target: "_blank" });
}

// Joins texts that follow each other.
function joined(children) {
  const found = [];
  for (const child of children) {
    if (typeof child !== "string") found.push({ ...child, children: joined(child.children) });
    else if (typeof found.at(-1) === "string") found.push(found.pop() + child);
    else if (child) found.push(child);
  }
  return found;
}

// Makes the children of an element, from one on, show nodes instead of those shown
// before, and touches only what differs: a selection in the rest stays.
function patch(element, from, shown, nodes) {
  nodes.forEach((node, at) => {
    const before = shown[at];
    const child = element.childNodes[from + at];
    if (typeof node === "string" && typeof before === "string") {
      if (node.startsWith(before)) child.appendData(node.slice(before.length));
      else child.data = node;
    } else if (before?.tag && before.tag === node.tag) {
      setAttributes(child, node.attributes);
      patch(child, 0, before.children, node.children);
    } else if (child) child.replaceWith(created(node));
    else element.append(created(node));
  });
  while (element.childNodes.length > from + nodes.length) element.lastChild.remove();
}

function created(node) {
  if (typeof node === "string") return document.createTextNode(node);
  const element = document.createElement(node.tag);
  setAttributes(element, node.attributes);
  patch(element, 0, [], node.children);
  return element;
}

function setAttributes(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  }
}
