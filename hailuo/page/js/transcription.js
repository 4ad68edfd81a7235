// Transcription: the text of a recording, from a file or the microphone.

import { announce, el } from "./dom.js";
import { jsonEvents } from "./event_stream.js";
import { acceptFiles, fileButton } from "./files.js";
import { record } from "./microphone.js";
import { copyButton, field, request, section, select, starter } from "./requests.js";
import { soundView } from "./sound.js";

const STREAMED = "text"; // the format that is shown as it comes

export function transcription() {
  const format = select("try_output", [STREAMED, "json", "verbose_json", "srt", "vtt"]);
  const recording = soundView();
  const transcript = el("pre", { id: "transcript", tabindex: "0", hidden: true });
  const { element: again, result, start } = starter("try_transcribe", transcribe);
  const time = el("span", { class: "quiet" });
  const recorder = starter("try_record", async (signal) => {
    take([await record(signal, (seconds) => (time.textContent = `${seconds} s`))]);
  });
  let file;

  function take(files) {
    [file] = files;
    time.textContent = "";
    recording.show(file, file.name);
    again.hidden = false;
    start();
  }

  async function transcribe(signal) {
    const isStream = format.value === STREAMED;
    const form = [["file", file], ["model", "whisper-1"], isStream ? ["stream", "true"] : ["response_format", format.value]];
    transcript.textContent = "";
    transcript.hidden = true;
    const response = await request(result, "audio/transcriptions", { form }, signal);
    for await (const text of isStream ? deltas(response.body) : [await response.text()]) {
      transcript.append(text);
      transcript.hidden = false;
    }
    announce(transcript.textContent);
    result.prepend(copyButton(() => transcript.textContent));
  }

  again.hidden = true; // until there is a file
  const buttons = [
    ...fileButton("try_choose", take, { accept: "audio/*,video/*" }),
    recorder.element,
    time,
    again,
    el("span", { class: "quiet", t: "try_drop" }),
  ];
  const whole = section("try_transcription", field(format), el("div", { class: "row" }, ...buttons),
    recorder.result, recording.element, transcript, result);
  acceptFiles(whole, take);
  return whole;
}

async function* deltas(body) {
  for await (const event of jsonEvents(body)) if (event.type === "transcript.text.delta") yield event.delta;
}
