// Shows a subset of Markdown. Nothing is ever read as HTML, and time is linear in the
// length of the text.
//
//   show = markdownIn(element)
//   show(text)         shows the text, which begins with the one before; only the last
//                      two blocks are drawn again

import { el } from "./dom.js";

const MAX_DEPTH = 6; // of lists and quotes in each other; deeper ones are text

const FENCE = /^\s*(`{3,}(?=[^`]*$)|~{3,})/;
const HEADING = /^ {0,3}(#{1,6})[ \t]+/;
const RULE = /^ {0,3}([*_-])[ \t]*(?:\1[ \t]*){2,}$/;
const QUOTE = /^ {0,3}> ?/;
const BULLET = /^ *[-*+](?:[ \t]+(?=\S)|$)/;
const NUMBER = /^ *(\d{1,9})[.)](?:[ \t]+(?=\S)|$)/;
const ROW = /^ {0,3}\|/;

// A block is of the first kind that its first line begins, and has the lines after it
// that this kind has.
const KINDS = [
  { begins: FENCE, has: (lines, at, start) => at - 1 === start || !isEnd(lines[at - 1], lines[start]), draw: code },
  { begins: HEADING, has: () => false, draw: heading },
  { begins: RULE, has: () => false, draw: () => el("hr") },
  { begins: QUOTE, has: (lines, at) => QUOTE.test(lines[at]), draw: quote },
  listKind("ul", BULLET),
  listKind("ol", NUMBER),
  { begins: ROW, has: (lines, at) => ROW.test(lines[at]), draw: table },
  { begins: /\S/, has: isText, draw: paragraph },
];

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

function isText(lines, at) {
  return kindOf(lines[at])?.draw === paragraph;
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

// A list has items of one kind, and lines that are indented more or go on with a text.
function listKind(tag, item) {
  const indentOf = (line) => line.search(/\S|$/);

  function has(lines, at, start) {
    const isInner = !lines[at].trim() || indentOf(lines[at]) > indentOf(lines[start]) + 1;
    return isInner || item.test(lines[at]) || (lines[at - 1].trim() && isText(lines, at));
  }

  function draw(lines, depth) {
    const [{ length: margin }, start = null] = item.exec(lines[0]);
    const items = [];
    for (const line of lines) {
      const [mark] = item.exec(line) ?? [];
      if (mark && indentOf(line) < indentOf(lines[0]) + 2) items.push([line.slice(mark.length)]);
      else items.at(-1).push(line.slice(Math.min(margin, indentOf(line))));
    }
    return el(tag, { start }, ...items.map((own) => el("li", {}, ...elementsOf(own, depth + 1))));
  }
  return { begins: item, has, draw };
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
    /\\(?<escape>[!-/:-@[-`{-~])/,
    /(?<!`)(?<ticks>`+)(?!`)(?<code>.+?)(?<!`)\k<ticks>(?!`)/,
    /!?\[(?<label>[^[\]]*)\]\((?<target>(?:[^\s()]|\([^\s()]*\))+)(?:[ \t]+"[^"\n]*")?\)/,
    /(?<address>https?:\/\/[\w.~:/?#@!$&'+,;=%-]*[\w/=#&%~-])/,
    /(?<run>\*+|_+|~~)/,
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

  function emphasize(mark, canOpen, canClose) {
    const place = open.findLastIndex((other) => other.mark === mark);
    if (place >= 0 && canClose) {
      const [, ...children] = nodes.splice(open[place].at);
      open.length = place;
      return nodes.push(el(TAGS[mark], {}, ...children));
    }
    if (place < 0 && canOpen) open.push({ mark, at: nodes.length });
    nodes.push(mark);
  }

  for (const { 0: whole, index, groups } of text.matchAll(TOKEN)) {
    const { escape, code: span, label, target, address, run } = groups;
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
      for (const mark of marks) emphasize(mark, !isInWord && after.trim(), !isInWord && before.trim());
    } else nodes.push(whole);
  }
  return [...nodes, text.slice(done)];
}

export function isSafe(address) {
  return /^(https?:\/\/|mailto:)/i.test(address);
}

export function link(address, ...content) {
  return el("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, ...content);
}
