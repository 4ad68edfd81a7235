import assert from "node:assert/strict";
import { test } from "node:test";

import { html, newElement } from "./fake_document.js";
import { markdownIn } from "../../../hailuo/page/js/markdown.js";

function parse(text) {
  const element = newElement();
  markdownIn(element)(text);
  return element.childNodes;
}

const SHOWN = {
  "paragraphs and their lines": ["a\nb\n\n\nc", "<p>a\nb</p><p>c</p>"],
  "headings below the page's own": ["# a\n### b\n#c", "<h3>a</h3><h5>b</h5><p>#c</p>"],
  "a rule": ["a\n\n---\n* * *", "<p>a</p><hr></hr><hr></hr>"],
  "a list": ["a:\n- b\n- c\n\nd", "<p>a:</p><ul><li><p>b</p></li><li><p>c</p></li></ul><p>d</p>"],
  "a list that starts at 3": ["3. a\n4. b", '<ol start="3"><li><p>a</p></li><li><p>b</p></li></ol>'],
  "items with empty lines between": ["1. a\n\n2. b", '<ol start="1"><li><p>a</p></li><li><p>b</p></li></ol>'],
  "a list in a list": ["- a\n  - b\n    c\n- d", "<ul><li><p>a</p><ul><li><p>b\nc</p></li></ul></li><li><p>d</p></li></ul>"],
  "an item of paragraphs": ["- a\n\n  b", "<ul><li><p>a</p><p>b</p></li></ul>"],
  "a list's next kind": ["- a\n1. b", '<ul><li><p>a</p></li></ul><ol start="1"><li><p>b</p></li></ol>'],
  "code in an item": ["- a\n  ```\n  b\n\n  c\n  ```", "<ul><li><p>a</p><pre><code>b\n\nc</code></pre></li></ul>"],
  "a quote": ["> a\n> - b\nc", "<blockquote><p>a</p><ul><li><p>b</p></li></ul></blockquote><p>c</p>"],
  "a code block": [
    "```js\n**a** <b>\n  c\n```\nd",
    "<pre><code>**a** <b>\n  c</code></pre><p>d</p>",
  ],
  "a code block without an end": ["~~~\na\n```", "<pre><code>a\n```</code></pre>"],
  "a table": [
    "|a|b\n|-|:-:|\n|c `d`|e\\|f|",
    '<div class="table"><table><thead><tr><th>a</th><th>b</th></tr></thead>' +
      "<tbody><tr><td>c <code>d</code></td><td>e|f</td></tr></tbody></table></div>",
  ],
  "no table without its second line": ["|a|\n|b|\nc", "<p>|a|\n|b|</p><p>c</p>"],
  "emphasis": ["*a* **b** ***c*** _d_ __e__ ~~f~~", "<em>a</em> <strong>b</strong> <strong><em>c</em></strong> <em>d</em> <strong>e</strong> <del>f</del>"],
  "emphasis in each other": ["**a *b* c**", "<strong>a <em>b</em> c</strong>"],
  "emphasis beside Chinese punctuation": ["**注意：**请看", "<strong>注意：</strong>请看"],
  "marks that are none": ["2 * 3 * 4 snake_case_name ~ **a ****", "2 * 3 * 4 snake_case_name ~ **a ****"],
  "marks without an end": ["**a *b", "**a *b"],
  "escapes": ["\\*a\\* \\# \\x", "*a* # \\x"],
  "code spans": ["`**a**` ``b ` c`` `d", "<code>**a**</code> <code>b ` c</code> `d"],
  "links": ["[a **b**](https://c.example/d_(e)?f=1 \"g\")", '<a href="https://c.example/d_(e)?f=1">a <strong>b</strong></a>'],
  "mail links": ["[a](mailto:b@c.example)", '<a href="mailto:b@c.example">a</a>'],
  "addresses": [
    "看 https://a.example/b_c_d?e=1。(http://f.example/).",
    '看 <a href="https://a.example/b_c_d?e=1">https://a.example/b_c_d?e=1</a>。(<a href="http://f.example/">http://f.example/</a>).',
  ],
  "an address as a link's text": ["[https://a.example](https://a.example)", '<a href="https://a.example">https://a.example</a>'],
  "pictures as links": ["![a](https://b.example/c.png)", '<a href="https://b.example/c.png">a</a>'],
  "brackets that are no links": ["a [b] [c](d) [e", "a [b] [c](d) [e"],
};

for (const [name, [text, expected]] of Object.entries(SHOWN)) {
  test(`markdown shows ${name}`, () => {
    const isInline = !/^<(p|h\d|ul|ol|blockquote|pre|div)\b/.test(expected);
    assert.equal(html(parse(text)), isInline ? `<p>${expected}</p>` : expected);
  });
}

function tagsOf(nodes) {
  return nodes.flatMap(({ tag, childNodes }) => (tag ? [tag, ...tagsOf(childNodes)] : []));
}

for (const hostile of [
  "<img src=x onerror=alert(1)>",
  "<script>alert(1)</script>",
  "[a](javascript:alert(1))",
  "[a](JaVaScRiPt:alert(1))",
  "[a](data:text/html,b)",
  "[a](//evil.example)",
  "![a](javascript:alert(1))",
  "&lt;b&gt;",
]) {
  test(`markdown leaves ${hostile} as text`, () => {
    assert.equal(html(parse(hostile)), `<p>${hostile}</p>`);
    assert.deepEqual(tagsOf(parse(hostile)), ["p"]);
  });
}

test("markdown has no deeper tree than it allows", () => {
  const depth = (nodes) => Math.max(0, ...nodes.map(({ childNodes }) => (childNodes ? 1 + depth(childNodes) : 0)));
  for (const text of ["> ".repeat(5000), "- ".repeat(5000), "*_**__~~[".repeat(5000)]) {
    assert.ok(depth(parse(`${text}a`)) < 20);
  }
});

// Each would take far longer if time grew with the square of the length.
const LONG = 50_000;
const MAX_CPU_S = 2;
for (const part of [
  "*a ", "**a** _b", "***", "[", "[a](", "](a", '](a "', "[a](b(", "`", "` `` ", "http://", "http://.", "~~",
  "> ", "- ", "-", "-\n", "|", "a|b\n", "|-\n", "#", "# ", "```\n", "```` `", " ", "\t", "\\", "\n", "_", "- - x\n", "  - a\n",
]) {
  test(`markdown takes linear time for many ${JSON.stringify(part)}`, () => {
    const many = part.repeat(LONG / part.length);
    const start = process.cpuUsage();
    for (const before of ["", "# ", "```", "|\n"]) parse(`${before}${many}\u2028\``);
    assert.ok(process.cpuUsage(start).user < MAX_CPU_S * 1e6);
  });
}

const ANSWER = Object.values(SHOWN)
  .map(([text]) => text)
  .join("\n\n");

for (const size of [1, 2, 7, 50]) {
  test(`markdown shown in pieces of ${size} is the same as shown at once`, () => {
    const element = newElement();
    const show = markdownIn(element);
    for (let end = size; end < ANSWER.length + size; end += size) show(ANSWER.slice(0, end));
    assert.equal(html(element.childNodes), html(parse(ANSWER)));
  });
}

for (const text of ["a\n-b", "a\n|c\n|-x\nd", "a\n```x`\nb", "a\n#b\n\n\n", "\n\n", "- a\n\n  \n  b\nc", "- a\n1b"]) {
  test(`markdown of ${JSON.stringify(text)} is the same whenever it is shown`, () => {
    const element = newElement();
    const show = markdownIn(element);
    for (let end = 1; end <= text.length; end += 1) {
      show(text.slice(0, end));
      assert.equal(html(element.childNodes), html(parse(text.slice(0, end))));
    }
  });
}

test("markdown draws only the last two blocks again", () => {
  const element = newElement();
  const show = markdownIn(element);
  const text = "paragraph\n\n- first\n- second\n\nend";
  show(text);
  const before = [...element.childNodes];
  show(`${text} and more`);
  assert.deepEqual(element.childNodes.map((child, at) => child === before[at]), [true, false, false]);
  show(`${text} and more\n\n# Heading\n`);
  assert.equal(element.childNodes.length, 4);
});
