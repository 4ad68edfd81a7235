// Chat: a conversation with one of the models.

import { json } from "./api.js";
import { answerView } from "./answer.js";
import { el } from "./dom.js";
import { jsonEvents } from "./event_stream.js";
import { acceptFiles, attachments, fileButton, fileView, part } from "./files.js";
import { button, field, listed, request, section, starter } from "./requests.js";

const NEAR = 60; // pixels from its end that count as the end

export function chat() {
  const model = listed("try_model", "hailuo", async () => (await json("GET", "models")).data);
  const turns = el("div", { class: "turns", role: "region", label: "try_turns", tabindex: "0" });
  const question = el("textarea", { id: "try_question", label: "try_question", hint: "try_question", on: { keydown } });
  const attached = attachments(question);
  const asking = starter("try_send", ask);
  let conversation = { messages: [], files: [] };

  async function ask(signal) {
    const text = question.value.trim();
    const files = attached.take();
    if (!text && !files.length) return question.focus();
    const asked = el("article", { class: "question", label: "try_you" }, el("p", {}, text), ...files.map(fileView));
    const answer = answerView(follow);
    turns.append(asked, answer.element);
    turns.scrollTop = turns.scrollHeight;
    question.value = "";
    const error = await exchange(text, files, asked, answer, signal).catch((failure) => failure);
    answer.end(error);
    if (answer.text()) return;
    question.value ||= text;
    attached.add(files);
  }

  async function exchange(text, files, asked, answer, signal) {
    const { messages, files: earlier } = conversation;
    const parts = await Promise.all(files.map(part));
    if (text) parts.unshift({ type: "text", text });
    const message = { role: "user", content: files.length ? parts : text };
    const body = { model: model.value, messages: [...messages, message], stream: true, stream_options: { include_usage: true } };
    const what = { json: body, files: [...earlier, ...files] };
    try {
      const response = await request(asked, "chat/completions", what, signal);
      for await (const chunk of jsonEvents(response.body)) answer.add(chunk);
    } finally {
      const content = answer.text();
      if (content) messages.push(message, { role: "assistant", content });
      if (content) earlier.push(...files);
    }
  }

  // Makes the turns longer; their end stays in view unless it was scrolled away from.
  function follow(draw) {
    const isAtEnd = turns.scrollHeight - turns.scrollTop - turns.clientHeight < NEAR;
    draw();
    if (isAtEnd) turns.scrollTop = turns.scrollHeight;
  }

  function renew() {
    asking.stop();
    conversation = { messages: [], files: [] };
    turns.replaceChildren();
    question.focus();
  }

  function keydown(event) {
    // An input method uses the key, too; Safari has only the code for that.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    if (!asking.isRunning()) asking.start();
  }

  const buttons = [asking.element, ...fileButton("try_attach", attached.add, { multiple: true })];
  const whole = section("try_chat", el("div", { class: "row" }, field(model), button("try_new", renew)), turns,
    attached.element, question, el("div", { class: "row" }, ...buttons, el("span", { class: "quiet", t: "try_drop" })));
  acceptFiles(whole, attached.add);
  return whole;
}
