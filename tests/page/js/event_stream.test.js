import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";

import { jsonEvents } from "../../../hailuo/page/js/event_stream.js";

// Returns the text as a body that arrives in chunks of some bytes each.
function bodyOf(text, size = 1) {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at + size));
      at += size;
    },
  });
}

async function all(generator) {
  const found = [];
  for await (const each of generator) found.push(each);
  return found;
}

const STREAMS = {
  "events": ['data: "a"\n\ndata: "b"\n\n', ["a", "b"]],
  "characters of several bytes": ['data: "你好 🦀"\n\n', ["你好 🦀"]],
  "no comments": [': ping\n\ndata: "a"\n\n: ping\n\n', ["a"]],
  "no other fields": ['event: x\nid: 1\ndata: "a"\ndataset: b\n\n', ["a"]],
  "no line that is cut off": ['data: "a"\n\ndata: "b', ["a"]],
  "nothing": ["", []],
};

for (const [name, [text, expected]] of Object.entries(STREAMS)) {
  for (const size of [1, 2, 3, 1000]) {
    test(`event stream has ${name}, in chunks of ${size} bytes`, async () => {
      assert.deepEqual(await all(jsonEvents(bodyOf(text, size))), expected);
    });
  }
}

test("event stream gives JSON until [DONE]", async () => {
  const body = bodyOf('data: {"a": 1}\n\n: ping\n\ndata: [DONE]\n\ndata: {"a": 2}\n\n', 5);
  assert.deepEqual(await all(jsonEvents(body)), [{ a: 1 }]);
});

test("event stream throws the error of an error event after what came before", async () => {
  const error = { message: "no answer", type: "upstream_error", param: "model", code: "upstream_timeout" };
  const stream = jsonEvents(bodyOf(`data: {"a": 1}\n\ndata: ${JSON.stringify({ error })}\n\n`));
  assert.deepEqual((await stream.next()).value, { a: 1 });
  await assert.rejects(stream.next(), (thrown) => {
    assert.deepEqual([thrown.message, thrown.param, thrown.code], ["no answer", "model", "upstream_timeout"]);
    return true;
  });
});

test("event stream cancels the body when it is left", async () => {
  let isCancelled = false;
  const body = new ReadableStream({
    pull: (controller) => controller.enqueue(new TextEncoder().encode("data: {}\n\n")),
    cancel: () => (isCancelled = true),
  });
  for await (const _ of jsonEvents(body)) break;
  assert.ok(isCancelled);
});

test("event stream reads a long line in many chunks", async () => {
  const long = "x".repeat(200_000);
  assert.deepEqual(await all(jsonEvents(bodyOf(`data: "${long}"\n\n`, 50))), [long]);
});

// Serves a stream that never ends by itself, or breaks off after its event.
async function served(t, breaks) {
  const server = createServer((_, response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.write("data: {}\n\n", () => breaks && response.destroy());
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  t.after(() => server.closeAllConnections());
  return `http://127.0.0.1:${server.address().port}/`;
}

test("event stream throws when its fetch is aborted", async (t) => {
  const abort = new AbortController();
  const { body } = await fetch(await served(t, false), { signal: abort.signal });
  const stream = jsonEvents(body);
  assert.deepEqual((await stream.next()).value, {});
  const end = stream.next();
  abort.abort();
  await assert.rejects(end, { name: "AbortError" });
});

test("event stream throws when the connection breaks", async (t) => {
  const { body } = await fetch(await served(t, true));
  await assert.rejects(all(jsonEvents(body)), TypeError);
});
