// Speech: a text, spoken by one of the voices.

import { json } from "./api.js";
import { el } from "./dom.js";
import { field, listed, request, section, select, starter } from "./requests.js";
import { soundView } from "./sound.js";
import { t } from "./texts.js";

export function speech() {
  const text = el("textarea", { id: "try_input", label: "try_input", hint: "try_input" });
  const voice = listed("try_voice", "alloy", async () => (await json("GET", "audio/voices")).voices);
  const format = select("try_format", ["mp3", "opus", "aac", "flac", "wav"]);
  const speed = el("input", { type: "number", id: "try_speed", min: "0.25", max: "4", step: "0.25", value: "1" });
  const sound = soundView();
  const { element, result, start } = starter("try_speak", speak);
  const sample = () => start(t("try_sample_text"));

  async function speak(signal, input = text.value) {
    sound.hide();
    if (!input.trim()) return text.focus();
    const body = { model: "tts-1", input, voice: voice.value, response_format: format.value, speed: Number(speed.value) };
    const name = `speech.${format.value}`;
    const response = await request(result, "audio/speech", { json: body, options: ["--output", name] }, signal);
    sound.show(await response.blob(), name);
    await sound.play();
  }

  const sampleButton = el("button", { id: "try_sample", label: "try_sample", on: { click: sample } }, "▶");
  return section("try_speech", text,
    el("div", { class: "row" }, field(voice, sampleButton), field(format), field(speed)),
    el("div", { class: "row" }, element), sound.element, result);
}
