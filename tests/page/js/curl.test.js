import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { curlLine, quoted } from "../../../hailuo/page/js/curl.js";

const URL = "http://localhost:8000/v1/chat/completions";
const HOSTILE = ["it's", "a b", "$HOME", "`id`", '"', "\\", "\\n", "a\nb", "!", "*", "~", "", "-x", "#", "你好", "'; id; '"];

// Runs a line with a curl that prints its arguments and its input, in a directory with files.
function run(line, files = {}) {
  const directory = mkdtempSync(join(tmpdir(), "curl-"));
  try {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
    const script = `curl() { printf '%s\\0' "$@"; case " $* " in *' @- '*) cat;; esac; }\n${line}\n`;
    const environment = { PATH: process.env.PATH, HAILUO_API_KEY: "sk-key" };
    const printed = execFileSync("sh", { cwd: directory, env: environment, input: script });
    const words = printed.toString().split("\0");
    return { input: words.pop(), words };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test("curl line is what one would write by hand", () => {
  assert.equal(
    curlLine({ url: URL, json: { model: "hailuo", input: "it's" }, options: ["--no-buffer"] }),
    `curl --no-buffer ${URL} \\
  -H "Authorization: Bearer $HAILUO_API_KEY" \\
  -H 'Content-Type: application/json' \\
  -d '{"model":"hailuo","input":"it'\\''s"}'`,
  );
});

test("curl line takes the key from the environment", () => {
  assert.ok(run(curlLine({ url: URL, json: {} })).words.includes("Authorization: Bearer sk-key"));
});

for (const text of HOSTILE) {
  test(`shell reads ${JSON.stringify(text)} back from a curl line`, () => {
    assert.equal(run(`curl ${quoted(text)}`).words[0], text);
    const { words } = run(curlLine({ url: URL, json: { [text]: text } }));
    assert.deepEqual(JSON.parse(words.at(-1)), { [text]: text });
  });
}

test("curl line names the file of a form", () => {
  const file = new File(["a"], 'it\'s "a" \\ $b.wav');
  const { words } = run(curlLine({ url: URL, form: [["file", file], ["model", "whisper-1"]] }));
  assert.deepEqual(words.slice(-4), ["-F", 'file=@"it\'s \\"a\\" \\\\ $b.wav"', "-F", "model=whisper-1"]);
});

for (const name of ["cat.png", "it's $(id) `id` \\.png", "-x.png"]) {
  test(`curl line reads the attached file ${name}`, () => {
    const content = Buffer.from("picture ".repeat(20));
    const uri = `data:image/png;base64,${content.toString("base64")}`;
    const json = { text: `${HOSTILE.join(" ")} $(id)`, url: uri, again: { uri }, other: "data:a,b" };
    const line = curlLine({ url: URL, json, files: [{ name, uri }] });
    assert.ok(!line.includes(content.toString("base64")));
    const { words, input } = run(line, { [name]: content });
    assert.ok(words.includes("--data-binary"));
    assert.deepEqual(JSON.parse(input), json);
  });
}

test("curl line of a long body has no argument that is too long", () => {
  const json = { text: `$HOME \\ \`id\` ${"你".repeat(50_000)}` };
  const { words, input } = run(curlLine({ url: URL, json }));
  assert.ok(words.every((word) => Buffer.byteLength(word) < 128 << 10));
  assert.deepEqual(JSON.parse(input), json);
});
