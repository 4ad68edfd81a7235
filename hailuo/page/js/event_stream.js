// Reads the server-sent events of the gateway from the body of a fetch: each is a line of
// JSON; other lines say that it is still there.
//
//   for await (const event of jsonEvents(response.body)) …
//
// It ends at `[DONE]` or with the body; an error event is thrown as an error with its fields.

export async function* jsonEvents(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let unfinished = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = value.split("\n");
      lines[0] = unfinished + lines[0];
      unfinished = lines.pop();
      for (const line of lines.filter((each) => each.startsWith("data: "))) {
        if (line === "data: [DONE]") return;
        const event = JSON.parse(line.slice(6));
        if (event.error) throw Object.assign(new Error(), event.error);
        yield event;
      }
    }
  } finally {
    await reader.cancel().catch(() => {}); // of a body that has failed
  }
}
