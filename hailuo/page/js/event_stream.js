// Reads server-sent events from the body of a fetch.
//
//   for await (const event of jsonEvents(response.body)) …
//
// It ends at `[DONE]`, at the end of the body, or when the fetch is aborted.

// An error event: the fields of OpenAI's error object.
export class StreamError extends Error {
  constructor({ message, param, code }) {
    super(message);
    Object.assign(this, { param, code });
  }
}

// Yields the JSON of each event; throws a StreamError for an error event.
export async function* jsonEvents(body) {
  for await (const data of events(body)) {
    if (data === "[DONE]") return;
    const event = JSON.parse(data);
    if (event.error) throw new StreamError(event.error);
    yield event;
  }
}

// Yields the data of each event; an event that the end cuts off is dropped.
export async function* events(body) {
  let data = [];
  for await (const line of lines(body)) {
    if (line === "") {
      if (data.length) yield data.join("\n");
      data = [];
    } else if (line === "data" || line.startsWith("data:")) {
      data.push(line.slice(5).replace(/^ /, ""));
    }
  }
}

// Yields the lines, which end with LF, CR or CRLF, wherever the chunks are cut.
async function* lines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let unfinished = "";
  let afterCr = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const text = afterCr && value[0] === "\n" ? value.slice(1) : value;
      afterCr = value.endsWith("\r");
      const parts = text.split(/\r\n|\r|\n/);
      parts[0] = unfinished + parts[0];
      unfinished = parts.pop();
      yield* parts;
    }
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  } finally {
    await reader.cancel().catch(() => {});
  }
}
