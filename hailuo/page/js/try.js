// The Try tab: chat, speech and transcription.

import { chat } from "./chat.js";
import { speech } from "./speech.js";
import { transcription } from "./transcription.js";

export function start(panel) {
  panel.classList.add("stack");
  panel.append(chat(), speech(), transcription());
}
