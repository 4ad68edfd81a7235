// Speech: a text, spoken by one of the voices.

import { json, send } from "./api.js";
import { announce, el } from "./dom.js";
import { SubmitButton, curlDetails, field, problem } from "./requests.js";
import { Sound } from "./sound.js";
import { t } from "./texts.js";

const PATH = "audio/speech";
const MODEL = "tts-1";
const VOICE = "alloy";
const FORMATS = ["mp3", "opus", "aac", "flac", "wav", "pcm"];

export function speech() {
  const text = el("textarea", { id: "try-input", rows: "3" });
  const voice = el("select", { id: "try-voice", class: "grow" }, el("option", {}, VOICE));
  const format = el("select", { id: "try-format" }, ...FORMATS.map((name) => el("option", {}, name)));
  const speed = el("input", { type: "range", id: "try-speed", min: "0.25", max: "4", step: "0.05", value: "1" });
  const speedShown = el("output", { for: "try-speed" }, "1×");
  const form = el("form", { class: "stack" });
  const result = el("div", { id: "try-spoken" });
  const sound = new Sound("try_spoken");
  let sampling = new AbortController();
  const submit = new SubmitButton(form, "try_speak", speak);

  async function speak(signal) {
    if (!text.value.trim()) return text.focus();
    const body = { model: MODEL, input: text.value, voice: voice.value, response_format: format.value, speed: Number(speed.value) };
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

  async function playSample() {
    sampling.abort();
    sampling = new AbortController();
    const { signal } = sampling;
    const body = { model: MODEL, input: t("try_sample_text"), voice: voice.value };
    result.replaceChildren(curlDetails(PATH, { json: body, options: ["--output", "sample.mp3"] }));
    try {
      const response = await send("POST", PATH, body, signal);
      sound.show(await response.blob(), "sample.mp3");
      await sound.play();
    } catch (error) {
      if (!signal.aborted) result.prepend(problem(error));
    }
  }

  const play = el("button", { type: "button", id: "try-sample", label: "try_sample", on: { click: playSample } }, "▶");
  speed.addEventListener("input", () => (speedShown.value = `${speed.value}×`));
  document.addEventListener("key", () => offerVoices(voice));
  offerVoices(voice);

  const choice = field(voice);
  choice.append(play);
  const pace = field(speed);
  pace.append(speedShown);
  form.append(field(text), el("div", { class: "row" }, choice, field(format), pace), submit.element);
  return el("section", { class: "stack", "aria-labelledby": "try-speech" },
    el("h2", { id: "try-speech", t: "try_speech" }), form, sound.element, result);
}

async function offerVoices(choice) {
  const chosen = choice.value;
  const { voices } = await json("GET", "audio/voices").catch(() => ({ voices: [{ id: VOICE, name: VOICE }] }));
  choice.replaceChildren(...voices.map(({ id, name }) => el("option", { value: id }, name)));
  if (voices.some(({ id }) => id === chosen)) choice.value = chosen;
}
