// Speech: a text, spoken by one of the voices.

import { json, send } from "./api.js";
import { announce, el } from "./dom.js";
import { SubmitButton, curlDetails, field, offer, problem } from "./requests.js";
import { Sound } from "./sound.js";
import { t } from "./texts.js";

const PATH = "audio/speech";
const FORMATS = ["mp3", "opus", "aac", "flac", "wav", "pcm"];

export function speech() {
  const form = el("form", { class: "stack" });
  const text = el("textarea", { id: "try-input", rows: "3" });
  const voice = el("select", { id: "try-voice" });
  const format = el("select", { id: "try-format" }, ...FORMATS.map((name) => el("option", {}, name)));
  const speed = el("input", { type: "range", id: "try-speed", min: "0.25", max: "4", step: "0.05", value: "1" });
  const factor = el("output", { for: "try-speed" }, "1×");
  const sound = new Sound("try_spoken");
  const result = el("div", { class: "result" });
  const submit = new SubmitButton(form, "try_speak", speak);
  const sample = () => submit.start(t("try_sample_text"));

  async function speak(signal, input = text.value) {
    if (!input.trim()) return text.focus();
    const how = { voice: voice.value, response_format: format.value, speed: Number(speed.value) };
    const body = { model: "tts-1", input, ...how };
    const name = `speech.${format.value}`;
    sound.clear();
    result.replaceChildren(curlDetails(PATH, { json: body, options: ["--output", name] }));
    announce(t("try_waiting"));
    try {
      const response = await send("POST", PATH, body, signal);
      sound.show(await response.blob(), name);
      announce(t("try_ready"));
      await sound.play();
    } catch (error) {
      result.prepend(problem(error));
    }
  }

  speed.addEventListener("input", () => (factor.value = `${speed.value}×`));
  offer(voice, "alloy", async () => (await json("GET", "audio/voices")).voices);
  form.append(field(text), el("div", { class: "row" },
    field(voice, el("button", { type: "button", id: "try-sample", label: "try_sample", on: { click: sample } }, "▶")),
    field(format), field(speed, factor)), el("div", { class: "row" }, submit.element));
  return el("section", { class: "stack", "aria-labelledby": "try-speech" },
    el("h2", { id: "try-speech", t: "try_speech" }), form, sound.element, result);
}
