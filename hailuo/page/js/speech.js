// Speech: a text, spoken by one of the voices.

import { json, send } from "./api.js";
import { el } from "./dom.js";
import { field, listed, requested, section, select, starter } from "./requests.js";
import { soundView } from "./sound.js";
import { t } from "./texts.js";

const PATH = "audio/speech";

export function speech() {
  const text = el("textarea", { id: "try-input", rows: "3", label: "try_input", hint: "try_input" });
  const voice = listed("try-voice", "alloy", async () => (await json("GET", "audio/voices")).voices);
  const format = select("try-format", ["mp3", "opus", "aac", "flac", "wav", "pcm"]);
  const speed = el("input", { type: "range", id: "try-speed", min: "0.25", max: "4", step: "0.05", value: "1", on: { input: showFactor } });
  const factor = el("output", { for: "try-speed" }, "1×");
  const sound = soundView();
  const speaking = starter("try_speak", speak);
  const sample = () => speaking.start(t("try_sample_text"));

  function showFactor() {
    factor.value = `${speed.value}×`;
  }

  async function speak(signal, input = text.value) {
    if (!input.trim()) return text.focus();
    const body = { model: "tts-1", input, voice: voice.value, response_format: format.value, speed: Number(speed.value) };
    const name = `speech.${format.value}`;
    sound.hide();
    speaking.result.replaceChildren(requested(PATH, { json: body, options: ["--output", name] }));
    const response = await send("POST", PATH, body, signal);
    sound.show(await response.blob(), name);
    await sound.play();
  }

  const sampleButton = el("button", { id: "try-sample", label: "try_sample", on: { click: sample } }, "▶");
  return section("try-speech", text,
    el("div", { class: "row" }, field(voice, sampleButton), field(format), field(speed, factor)),
    el("div", { class: "row" }, speaking.element), sound.element, speaking.result);
}
