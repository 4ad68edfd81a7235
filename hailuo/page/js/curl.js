// Writes a request as the curl line for a POSIX shell that would do the same.
//
//   curlLine({ url, json, files: [{ name, uri }], options: ["--output", "speech.mp3"] })
//   curlLine({ url, form: [["model", "whisper-1"], ["file", file]] })
//
// files: whose data URIs are in json; they become `$(base64 …)`. The key is never shown:
// the line has the variable $HAILUO_API_KEY.

const MAX_ARGUMENT = 40_000; // characters of at most three bytes; Linux takes 128 KiB

export function curlLine({ url, json, files = [], form = [], options = [] }) {
  const words = [["curl", ...options, url].map(quoted).join(" "), '-H "Authorization: Bearer $HAILUO_API_KEY"'];
  for (const [name, value] of form) words.push(`-F ${quoted(`${name}=${value.name ? fileOf(value) : value}`)}`);
  if (json) words.push("-H 'Content-Type: application/json'", body(JSON.stringify(json), files));
  return words.join(" \\\n  ");
}

// Returns a word such that the shell reads it as it is.
export function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function fileOf({ name }) {
  return `@"${name.replace(/["\\]/g, "\\$&")}"`;
}

// Returns the body as an argument or, with files or if it is long, as a here-document.
function body(text, files) {
  if (!files.length && text.length < MAX_ARGUMENT) return `-d ${quoted(text)}`;
  const escaped = (part) => part.replace(/[\\$`]/g, "\\$&");
  let written = escaped(text);
  for (const { name, uri } of files) {
    const content = `$(base64 < ${quoted(name)} | tr -d '\\n')`;
    written = written.replaceAll(escaped(`"${uri}"`), () => `"${escaped(uri.split(",")[0])},${content}"`);
  }
  return `--data-binary @- <<END\n${written}\nEND`;
}
