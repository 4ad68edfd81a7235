// Records the microphone.

import { t } from "./texts.js";

// Returns the recording, a file, when the signal comes; tell(seconds) hears how long it is.
export async function record(signal, tell) {
  const stream = await navigator.mediaDevices?.getUserMedia({ audio: true }).catch(() => null);
  if (!stream) throw new Error(t("try_no_microphone"));
  const parts = [];
  const recorder = new MediaRecorder(stream);
  recorder.ondataavailable = ({ data }) => tell(parts.push(data));
  recorder.start(1000); // milliseconds for each part
  await new Promise((resolve) => {
    recorder.onstop = resolve;
    signal.onabort = () => recorder.stop();
    if (signal.aborted) recorder.stop(); // while the user was asked
  });
  for (const track of stream.getTracks()) track.stop();
  const [type] = recorder.mimeType.split(";");
  return new File(parts, `recording.${type.split("/")[1]}`, { type });
}
