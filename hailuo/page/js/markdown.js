// Shows a subset of Markdown as elements. Nothing is ever read as HTML, and time is linear
// in the length of the text.
//
//   parse(text)                 the elements
//   show = markdownIn(element)
//   show(text)                  shows the text, which begins with the one before; only the
//                               last two blocks are drawn again

import { el } from "./dom.js";

const MAX_DEPTH = 6; // of lists and quotes in each other; deeper ones are text

const FENCE = /^\s*(`{3,}(?=[^`]*$)|~{3,})/;
const HEADING = /^ {0,3}(#{1,6})[ \t]+/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( *)([-*+]|\d{1,9}[.)])(?:[ \t]+(?=\S)|$)/;
const ROW = /^ {0,3}\|/;

// The first kind that a line begins draws it and the lines after it that it has.
const KINDS = [
  { begins: FENCE, has: (lines, at, start) => at - 1 === start || !isEnd(lines[at - 1], lines[start]), draw: code },
  { begins: HEADING, has: () => false, draw: heading },
  { begins: /^ {0,3}([*_-])[ \t]*(?:\1[ \t]*){2,}$/, has: () => false, draw: () => el("hr") },
  { begins: QUOTE, has: (lines, at) => QUOTE.test(lines[at]), draw: quote },
  { begins: ITEM, has: isInList, draw: list },
  { begins: ROW, has: (lines, at) => ROW.test(lines[at]), draw: table },
  { begins: /\S/, has: (lines, at) => kindOf(lines[at]) === PARAGRAPH, draw: paragraph },
];
const PARAGRAPH = KINDS.at(-1);

export function parse(text) {
  return elementsOf(text.split("\n"), 0);
}

export function markdownIn(element) {
  let [line, kept] = [0, 0]; // what comes before can no longer change, and its elements
  return (text) => {
    const found = [...blocks(text.split("\n"), 0, line)];
    while (element.childNodes.length > kept) element.lastChild.remove();
    element.append(...found.map(([block]) => block));
    // The last line may be unfinished, and then turn out to belong to the block before.
    const open = Math.max(0, found.length - 2);
    line = found[open]?.[1] ?? 0;
    kept += open;
  };
}

function elementsOf(lines, depth) {
  if (depth > MAX_DEPTH) return [el("p", {}, lines.join("\n"))];
  return [...blocks(lines, depth)].map(([block]) => block);
}

// Yields each block, and the number of its first line.
function* blocks(lines, depth, from = 0) {
  for (let at = from; at < lines.length; ) {
    const start = at++;
    const kind = kindOf(lines[start]);
    if (!kind) continue;
    while (at < lines.length && kind.has(lines, at, start)) at += 1;
    yield [kind.draw(lines.slice(start, at), depth), start];
  }
}

function kindOf(line) {
  return KINDS.find(({ begins }) => begins.test(line));
}

function isEnd(line, first) {
  return line.trim() === FENCE.exec(first)[1];
}

function code(lines) {
  const end = isEnd(lines.at(-1), lines[0]) ? -1 : undefined;
  return el("pre", { tabindex: "0" }, el("code", {}, lines.slice(1, end).join("\n")));
}

function heading([line]) {
  const [mark, { length: level }] = HEADING.exec(line);
  return el(`h${Math.min(level + 2, 6)}`, {}, ...inline(line.slice(mark.length).trim()));
}

function quote(lines, depth) {
  return el("blockquote", {}, ...elementsOf(lines.map((line) => line.replace(QUOTE, "")), depth + 1));
}

function paragraph(lines) {
  return el("p", {}, ...inline(lines.map((line) => line.trim()).join("\n")));
}

// A list has items of its first one's kind, and lines that are indented more or go on
// with the text of an item.
function isInList(lines, at, start) {
  const [, { length: indent }, mark] = ITEM.exec(lines[start]);
  const width = lines[at].search(/\S/);
  if (width < 0 || width > indent + 1) return true;
  const item = ITEM.exec(lines[at]);
  if (item) return /\d/.test(item[2]) === /\d/.test(mark);
  return lines[at - 1].trim() && kindOf(lines[at]) === PARAGRAPH;
}

function list(lines, depth) {
  const [{ length: margin }, { length: indent }, mark] = ITEM.exec(lines[0]);
  const items = [];
  for (const line of lines) {
    const item = ITEM.exec(line);
    if (item?.[1].length < indent + 2) items.push([line.slice(item[0].length)]);
    else items.at(-1).push(line.slice(Math.min(margin, line.search(/\S|$/))));
  }
  const [tag, attributes] = /\d/.test(mark) ? ["ol", { start: parseInt(mark, 10) }] : ["ul", {}];
  return el(tag, attributes, ...items.map((item) => el("li", {}, ...elementsOf(item, depth + 1))));
}

function table(lines) {
  if (!/^[ |:-]+$/.test(lines[1])) return paragraph(lines);
  const row = (line, tag) => {
    const cells = line.trim().slice(1).replace(/\|$/, "").split(/(?<!\\)\|/);
    return el("tr", {}, ...cells.map((cell) => el(tag, {}, ...inline(cell.trim()))));
  };
  const body = lines.slice(2).map((line) => row(line, "td"));
  const whole = el("table", {}, el("thead", {}, row(lines[0], "th")), el("tbody", {}, ...body));
  return el("div", { class: "table", tabindex: "0" }, whole);
}

const TOKEN = new RegExp(
  [
    /\\([!-/:-@[-`{-~])/, // an escape
    /(?<!`)(`+)(?!`)(.+?)(?<!`)\2(?!`)/, // code
    /!?\[([^[\]]*)\]\(((?:[^\s()]|\([^\s()]*\))+)(?:[ \t]+"[^"\n]*")?\)/, // a link
    /(https?:\/\/[\w.~:/?#@!$&'+,;=%-]*[\w/=#&%~-])/,
    /(\*+|_+|~~)/,
  ].map(({ source }) => source).join("|"),
  "gs",
);
const TAGS = { "*": "em", _: "em", "**": "strong", __: "strong", "~~": "del" };

// Returns the nodes of a text. A mark is a text among them until its counterpart comes,
// which makes an element of those after it. No mark is open twice, so this stays fast.
function inline(text, isLink = false) {
  const nodes = [];
  const open = []; // { mark, at }, at being its place among the nodes
  let done = 0;

  function emphasize(mark, canClose, canOpen) {
    const place = open.findLastIndex((other) => other.mark === mark);
    if (place >= 0 && canClose) {
      const [, ...children] = nodes.splice(open[place].at);
      open.length = place;
      nodes.push(el(TAGS[mark], {}, ...children));
    } else {
      if (place < 0 && canOpen) open.push({ mark, at: nodes.length });
      nodes.push(mark);
    }
  }

  for (const { index, 0: whole, 1: escape, 3: span, 4: label, 5: target, 6: address, 7: run } of text.matchAll(TOKEN)) {
    if (done < index) nodes.push(text.slice(done, index));
    done = index + whole.length;
    if (escape) nodes.push(escape);
    else if (span) nodes.push(el("code", {}, span.replace(/^ (.*) $/s, "$1")));
    else if (target && isSafe(target)) nodes.push(link(target, ...inline(label, true)));
    else if (address && !isLink) nodes.push(link(address, address));
    else if (run?.length <= 3) {
      const [before, after] = [text[index - 1] ?? " ", text[done] ?? " "];
      const isInWord = run[0] === "_" && /[\p{L}\p{N}]{2}/u.test(before + after);
      const marks = run.length < 3 ? [run] : [run.slice(1), run[0]];
      if (open.at(-1)?.mark === run[0]) marks.reverse();
      for (const mark of marks) emphasize(mark, /\S/.test(before) && !isInWord, /\S/.test(after) && !isInWord);
    } else nodes.push(whole);
  }
  if (done < text.length) nodes.push(text.slice(done));
  return nodes;
}

export function isSafe(address) {
  return /^(https?:\/\/|mailto:)/i.test(address);
}

export function link(address, ...content) {
  return el("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, ...content);
}
