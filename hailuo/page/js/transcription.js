// Transcription: the text of a recording, from a file or the microphone.

import { send } from "./api.js";
import { announce, el } from "./dom.js";
import { jsonEvents } from "./event_stream.js";
import { acceptFiles, fileButton } from "./files.js";
import { microphone } from "./microphone.js";
import { copyButton, field, problem, requested, section, select, starter } from "./requests.js";
import { soundView } from "./sound.js";

const PATH = "audio/transcriptions";
const STREAMED = "text"; // the format that is shown as it comes

export function transcription() {
  const format = select("try-output", [STREAMED, "json", "verbose_json", "srt", "vtt"]);
  const recording = soundView();
  const transcript = el("pre", { id: "try-transcript", tabindex: "0", hidden: true });
  const { element: again, result, start } = starter("try_transcribe", transcribe);
  let file;

  function take(files) {
    [file] = files;
    recording.show(file, file.name);
    again.hidden = false;
    start();
  }

  async function transcribe(signal) {
    const isStream = format.value === STREAMED;
    const form = [["file", file], ["model", "whisper-1"], isStream ? ["stream", "true"] : ["response_format", format.value]];
    const body = new FormData();
    for (const each of form) body.append(...each);
    transcript.textContent = "";
    transcript.hidden = true;
    result.replaceChildren(requested(PATH, { form, options: isStream ? ["--no-buffer"] : [] }));
    const response = await send("POST", PATH, body, signal);
    for await (const text of isStream ? deltas(response.body) : [await response.text()]) {
      transcript.append(text);
      transcript.hidden = false;
    }
    announce(transcript.textContent);
    result.prepend(copyButton(() => transcript.textContent));
  }

  again.hidden = true; // until there is a file
  const buttons = [
    ...fileButton("try-choose", take, { accept: "audio/*,video/*" }),
    ...microphone(take, (error) => result.replaceChildren(problem(error))),
    again,
    el("span", { class: "quiet", t: "try_drop" }),
  ];
  const whole = section("try-transcription", field(format), el("div", { class: "row" }, ...buttons),
    recording.element, transcript, result);
  acceptFiles(whole, take);
  return whole;
}

async function* deltas(body) {
  for await (const event of jsonEvents(body)) if (event.type === "transcript.text.delta") yield event.delta;
}
