// Records the microphone.

import { el } from "./dom.js";
import { t, translate } from "./texts.js";

const FORMATS = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];

// A button that begins a recording, and ends it: take([file]) gets it, fail(error) hears
// why there is none.
export class Microphone {
  #recorder = null;
  #isAsking = false;

  constructor(take, fail) {
    const press = () => (this.#recorder ? this.#recorder.stop() : this.#record(take, fail));
    this.time = el("span", { class: "quiet" });
    this.element = el("button", { type: "button", id: "try-microphone", t: "try_record", on: { click: press } });
  }

  async #record(take, fail) {
    if (this.#isAsking) return; // for permission
    this.#isAsking = true;
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      this.#begin(stream, take);
    } catch {
      fail(new Error(t("try_no_microphone")));
    }
    this.#isAsking = false;
  }

  #begin(stream, take) {
    const mimeType = FORMATS.find((format) => MediaRecorder.isTypeSupported(format));
    const recorder = new MediaRecorder(stream, { mimeType });
    const parts = [];
    recorder.ondataavailable = ({ data }) => {
      this.time.textContent = `${parts.push(data)} s`;
    };
    recorder.onstop = () => {
      for (const track of stream.getTracks()) track.stop();
      this.#show(null);
      this.time.textContent = "";
      const [type] = recorder.mimeType.split(";");
      take([new File(parts, `recording.${type.split("/")[1]}`, { type })]);
    };
    recorder.start(1000); // milliseconds for each part
    this.#show(recorder);
  }

  #show(recorder) {
    this.#recorder = recorder;
    this.element.dataset.t = recorder ? "try_end_recording" : "try_record";
    this.element.classList.toggle("bad", Boolean(recorder));
    translate(this.element);
  }
}
