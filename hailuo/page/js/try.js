// The Try tab: chat, speech and transcription.

import { chat } from "./chat.js";
import { speech } from "./speech.js";
import { transcription } from "./transcription.js";

export function start(panel) {
  panel.classList.add("stack");
  panel.append(chat(), speech(), transcription());
  // A file that is dropped beside the places for it would replace the page.
  for (const type of ["dragover", "drop"]) panel.addEventListener(type, (event) => event.preventDefault());
}
