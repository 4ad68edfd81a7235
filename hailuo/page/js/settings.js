// The header's controls: key, language, theme.

export function startSettings() {}
