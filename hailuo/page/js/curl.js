/** Requests as curl lines for a POSIX shell; the key is the variable's, never shown. */

const MAX_ARGUMENT = 100_000; // characters; Linux takes 128 KiB an argument

/**
 * Return the curl line of a request.
 *
 * json: the body; files: [{ name, uri }], whose data URIs in it become `$(base64 …)`.
 * form: [[field, value]], where a value is a text or a File.
 * options: further words, such as ["--output", "speech.mp3"].
 */
export function curlLine({ url, json, files = [], form, options = [] }) {
  const words = [
    ["curl", ...options, url].map(quoted).join(" "),
    '-H "Authorization: Bearer $HAILUO_API_KEY"',
  ];
  for (const [field, value] of form ?? []) words.push(formWord(field, value));
  if (json) words.push("-H 'Content-Type: application/json'", ...bodyWords(json, files));
  return words.join(" \\\n  ");
}

/** Return a word as the shell reads it back. */
export function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function formWord(field, value) {
  if (typeof value === "string") return `--form-string ${quoted(`${field}=${value}`)}`;
  const name = value.name.replace(/["\\]/g, "\\$&");
  return `-F ${quoted(`${field}=@"${name}"`)}`;
}

/** Return the body as an argument or, if it has files or is long, as a here-document. */
function bodyWords(json, files) {
  const body = JSON.stringify(json);
  if (!files.length && body.length < MAX_ARGUMENT) return [`-d ${quoted(body)}`];
  let text = body;
  const commands = files.map(({ name, uri }, at) => {
    text = text.replaceAll(JSON.stringify(uri), `"\0${at}\0"`);
    const head = uri.slice(0, uri.indexOf(",") + 1);
    return `${head}$(base64 < ${quoted(name)} | tr -d '\\n')`;
  });
  text = text.replace(/[\\$`]/g, "\\$&").replace(/\0(\d+)\0/g, (_, at) => commands[at]);
  return [`--data-binary @- <<END\n${text}\nEND`];
}
