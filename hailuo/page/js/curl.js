// Writes a request as the curl line for a POSIX shell that would do the same.
//
//   curlLine({ url, json, files: [{ name, uri }], options: ["--output", "speech.mp3"] })
//   curlLine({ url, form: [["model", "whisper-1"], ["file", file]] })
//
// files: whose data URIs are in json; they become `$(base64 …)`. The key is never shown:
// the line has the variable $HAILUO_API_KEY.

const MAX_ARGUMENT = 40_000; // characters of at most three bytes; Linux takes 128 KiB

export function curlLine({ url, json, files = [], form = [], options = [] }) {
  const words = [
    ["curl", ...options, url].map(quoted).join(" "),
    '-H "Authorization: Bearer $HAILUO_API_KEY"',
    ...form.map(([name, value]) => field(name, value)),
  ];
  if (json) words.push("-H 'Content-Type: application/json'", body(JSON.stringify(json), files));
  return words.join(" \\\n  ");
}

// Returns a word such that the shell reads it as it is.
export function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function field(name, value) {
  if (typeof value === "string") return `--form-string ${quoted(`${name}=${value}`)}`;
  const path = value.name.replace(/["\\]/g, "\\$&");
  return `-F ${quoted(`${name}=@"${path}"`)}`;
}

// Returns the body as an argument or, with files or if it is long, as a here-document.
function body(text, files) {
  if (!files.length && text.length < MAX_ARGUMENT) return `-d ${quoted(text)}`;
  const contents = new Map(files.map(({ name, uri }) => [uri, base64Of(name)]));
  const parts = text.split(/"(data:[^",]*,)([^"]*)"/);
  let written = "";
  for (let at = 0; at < parts.length; at += 3) {
    const [before, head, data] = parts.slice(at, at + 3);
    written += escaped(before);
    if (head) written += `"${escaped(head)}${contents.get(head + data) ?? escaped(data)}"`;
  }
  return `--data-binary @- <<END\n${written}\nEND`;
}

function base64Of(name) {
  return `$(base64 < ${quoted(name)} | tr -d '\\n')`;
}

// Escapes what a here-document would replace.
function escaped(text) {
  return text.replace(/[\\$`]/g, "\\$&");
}
