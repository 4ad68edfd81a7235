// Chat: a conversation with one of the models.

import { json, send } from "./api.js";
import { Answer } from "./answer.js";
import { announce, el } from "./dom.js";
import { jsonEvents } from "./event_stream.js";
import { Attachments, acceptDrops, dataUri, fileButton, fileView, forget, isPicture } from "./files.js";
import { SubmitButton, curlDetails, field, offer } from "./requests.js";
import { t } from "./texts.js";

const PATH = "chat/completions";
const NEAR = 60; // pixels from its end that count as the end

export function chat() {
  const form = el("form", { class: "stack" });
  const model = el("select", { id: "try-model" });
  const transcript = new Transcript();
  const question = el("textarea", { id: "try-question", rows: "3", label: "try_question", hint: "try_question_hint" });
  const attachments = new Attachments(() => question.focus());
  const attach = (files) => attachments.add(files);
  const submit = new SubmitButton(form, "try_send", ask);
  let conversation = { messages: [], files: [] };

  async function ask(signal) {
    const text = question.value.trim();
    const files = attachments.take();
    if (!text && !files.length) return;
    const asking = conversation;
    question.value = "";
    const isAnswered = await exchange(asking, { text, files, model: model.value }, transcript, signal);
    if (conversation !== asking) return forget(files);
    if (isAnswered) return;
    question.value ||= text;
    attachments.putBack(files);
  }

  function begin() {
    submit.stop();
    forget(conversation.files);
    conversation = { messages: [], files: [] };
    transcript.clear();
    question.focus();
  }

  question.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || isComposing(event)) return;
    event.preventDefault();
    if (!submit.isRunning) form.requestSubmit();
  });
  question.addEventListener("paste", (event) => {
    if (!event.clipboardData.files.length) return;
    event.preventDefault();
    attach([...event.clipboardData.files]);
  });
  offer(model, "hailuo", async () => (await json("GET", "models")).data);

  const renew = el("button", { type: "button", id: "try-new", t: "try_new", on: { click: begin } });
  const heading = el("h2", { id: "try-chat", class: "grow", t: "try_chat" });
  const buttons = [submit.element, ...fileButton("try-attach", "try_attach", attach, { multiple: true })];
  form.append(attachments.element, attachments.problem, question,
    el("div", { class: "row" }, ...buttons, el("span", { class: "quiet", t: "try_drop" })));
  const section = el("section", { class: "stack", "aria-labelledby": "try-chat" },
    el("div", { class: "row" }, heading, field(model), renew), transcript.element, form);
  acceptDrops(section, attach);
  return section;
}

// Tells whether a key belongs to an input method; Safari has only the code for it.
function isComposing(event) {
  return event.isComposing || event.keyCode === 229;
}

// Asks, shows question and answer, and adds both to the conversation. Returns whether
// anything was answered.
async function exchange(conversation, { text, files, model }, transcript, signal) {
  const answer = new Answer(() => transcript.follow());
  const asked = el("article", { class: "question", label: "try_you" }, el("p", {}, text), ...files.map(fileView));
  transcript.add(asked, answer.element);
  announce(t("try_waiting"));
  let message;
  try {
    message = await userMessage(text, files);
    const messages = [...conversation.messages, message];
    const body = { model, messages, stream: true, stream_options: { include_usage: true } };
    const sent = [...conversation.files, ...files].map(({ file, uri }) => ({ name: file.name, uri }));
    asked.append(curlDetails(PATH, { json: body, files: sent, options: ["--no-buffer"] }));
    const response = await send("POST", PATH, body, signal);
    for await (const chunk of jsonEvents(response.body)) answer.add(chunk);
    signal.throwIfAborted();
    if (!answer.isFinished) throw new TypeError("the stream ended early");
    answer.end();
  } catch (error) {
    answer.end(error);
  }
  transcript.follow();
  if (!answer.text) return false;
  conversation.messages.push(message, { role: "assistant", content: answer.text });
  conversation.files.push(...files);
  return true;
}

// Returns the message of the API; files get the data URI that it has of them.
async function userMessage(text, files) {
  if (!files.length) return { role: "user", content: text };
  for (const each of files) each.uri = await dataUri(each.file);
  const parts = files.map(({ file, uri }) =>
    isPicture(file)
      ? { type: "image_url", image_url: { url: uri } }
      : { type: "file", file: { filename: file.name, file_data: uri } },
  );
  return { role: "user", content: text ? [{ type: "text", text }, ...parts] : parts };
}

// The turns of a conversation, whose end stays in view unless it was scrolled away from.
class Transcript {
  #isAtEnd = true;

  constructor() {
    this.element = el("div", { class: "turns", role: "region", label: "try_turns", tabindex: "0", hidden: true });
    this.element.addEventListener("scroll", () => {
      const { scrollHeight, scrollTop, clientHeight } = this.element;
      this.#isAtEnd = scrollHeight - scrollTop - clientHeight < NEAR;
    });
  }

  add(...turns) {
    this.element.hidden = false;
    this.element.append(...turns);
    this.#isAtEnd = true;
    this.follow();
  }

  clear() {
    this.element.replaceChildren();
    this.element.hidden = true;
  }

  follow() {
    if (this.#isAtEnd) this.element.scrollTop = this.element.scrollHeight;
  }
}
