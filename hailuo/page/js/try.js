// The Try tab: chat, speech and transcription.

export function start(panel) {}
