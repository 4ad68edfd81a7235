export function start(panel) {}
