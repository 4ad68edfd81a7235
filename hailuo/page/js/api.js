// Calls of the gateway's API.
//
//   await json("GET", "models")                          the body of the answer
//   await send("POST", "audio/speech", body, signal)     a Response, whose status is 2xx
//
// path: without /v1/. body: an object, sent as JSON, or FormData. The key is kept in
// sessionStorage and sent in the Authorization header only. `key` is fired at document
// when it changes. Failures have the message, status and code of the gateway; what stops
// a call through `signal` is an AbortError.

import { t } from "./texts.js";

export function key() {
  return sessionStorage.getItem("key") ?? "";
}

export function setKey(value) {
  sessionStorage.setItem("key", value);
  document.dispatchEvent(new Event("key"));
}

export async function send(method, path, body, signal) {
  const headers = {};
  if (key()) headers.Authorization = `Bearer ${utf8(key())}`;
  if (body && !(body instanceof FormData)) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(`v1/${path}`, { method, headers, body, signal, credentials: "omit" });
  } catch (error) {
    throw error.name === "AbortError" ? error : new Error(t("unreachable"));
  }
  if (response.ok) return response;
  const { error } = await response.json().catch(() => ({}));
  throw Object.assign(new Error(error?.message ?? `HTTP ${response.status}`), { status: response.status, code: error?.code });
}

export async function json(method, path, body, signal) {
  return (await send(method, path, body, signal)).json();
}

// The text whose characters are the bytes of a text in UTF-8, since a header has bytes.
function utf8(text) {
  return String.fromCharCode(...new TextEncoder().encode(text));
}
