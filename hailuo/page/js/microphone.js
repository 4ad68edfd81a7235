// Records the microphone.

import { el } from "./dom.js";
import { button, rename } from "./requests.js";
import { t } from "./texts.js";

// Returns a button that begins a recording, and ends it, and the seconds so far:
// take([file]) gets it, fail(error) hears why there is none.
export function microphone(take, fail) {
  const time = el("span", { class: "quiet" });
  const press = button("try-record", () => (recorder ? recorder.stop() : record()));
  let recorder;

  async function record() {
    recorder = { stop() {} }; // while the user is asked
    try {
      begin(await navigator.mediaDevices.getUserMedia({ audio: true }));
    } catch {
      recorder = null;
      fail(new Error(t("try_no_microphone")));
    }
  }

  function begin(stream) {
    const parts = [];
    recorder = new MediaRecorder(stream);
    recorder.ondataavailable = ({ data }) => (time.textContent = `${parts.push(data)} s`);
    recorder.onstop = () => {
      for (const track of stream.getTracks()) track.stop();
      const [type] = recorder.mimeType.split(";");
      recorder = null;
      time.textContent = "";
      rename(press, "try_record");
      take([new File(parts, `recording.${type.split("/")[1]}`, { type })]);
    };
    recorder.start(1000); // milliseconds for each part
    rename(press, "try_end_recording");
  }

  return [press, time];
}
