// Transcription: the text of a recording, from a file or the microphone.

import { send } from "./api.js";
import { announce, el } from "./dom.js";
import { jsonEvents } from "./event_stream.js";
import { acceptDrops, fileButton } from "./files.js";
import { Microphone } from "./microphone.js";
import { MAX_ANNOUNCED, SubmitButton, copyButton, curlDetails, field, problem } from "./requests.js";
import { Sound } from "./sound.js";
import { t } from "./texts.js";

const PATH = "audio/transcriptions";
const STREAM = "stream"; // a choice of its own among the formats
const FORMATS = [STREAM, "text", "json", "verbose_json", "srt", "vtt"];

export function transcription() {
  const format = el("select", { id: "try-transcript-format" }, ...FORMATS.map((name) =>
    name === STREAM ? el("option", { value: name, t: "try_as_it_comes" }) : el("option", {}, name)));
  const recording = new Sound("try_recording");
  const form = el("form", { class: "stack" });
  const submit = new SubmitButton(form, "try_transcribe", transcribe);
  const transcript = el("pre", { id: "try-transcript", tabindex: "0", hidden: true });
  const result = el("div", { class: "result" });
  const microphone = new Microphone(take, (error) => result.replaceChildren(problem(error)));
  const name = el("span", { class: "quiet" });
  let file;

  function take([taken]) {
    file = taken;
    recording.show(file, file.name);
    name.textContent = file.name;
    submit.element.hidden = false;
    submit.start();
  }

  async function transcribe(signal) {
    const isStream = format.value === STREAM;
    const how = isStream ? ["stream", "true"] : ["response_format", format.value];
    const fields = [["file", file], ["model", "whisper-1"], how];
    const body = new FormData();
    for (const each of fields) body.append(...each);
    transcript.textContent = "";
    transcript.hidden = true;
    result.replaceChildren(curlDetails(PATH, { form: fields, options: isStream ? ["--no-buffer"] : [] }));
    announce(t("try_waiting"));
    try {
      const response = await send("POST", PATH, body, signal);
      for await (const text of isStream ? deltas(response.body) : [await response.text()]) {
        transcript.append(text);
        transcript.hidden = false;
      }
      signal.throwIfAborted();
      announce(t("try_heard", { text: transcript.textContent.slice(0, MAX_ANNOUNCED) }));
      result.prepend(copyButton(() => transcript.textContent));
    } catch (error) {
      result.prepend(problem(error));
    }
  }

  submit.element.hidden = true; // until there is a file
  const choose = fileButton("try-recording", "try_choose", take, { accept: "audio/*,video/*" });
  const buttons = [...choose, microphone.element, microphone.time, submit.element];
  form.append(field(format), el("div", { class: "row" }, ...buttons, name),
    el("p", { class: "quiet", t: "try_drop_recording" }));
  const section = el("section", { class: "stack", "aria-labelledby": "try-transcription" },
    el("h2", { id: "try-transcription", t: "try_transcription" }), form, recording.element, transcript, result);
  acceptDrops(section, take);
  return section;
}

async function* deltas(body) {
  for await (const event of jsonEvents(body)) if (event.type === "transcript.text.delta") yield event.delta;
}
