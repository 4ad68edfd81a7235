import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import { TRY } from "../../../hailuo/page/js/texts_try.js";

const FOLDER = new URL("../../../hailuo/page/js/", import.meta.url);

function used() {
  const names = readdirSync(FOLDER).filter((name) => name !== "texts_try.js");
  const sources = names.map((name) => readFileSync(new URL(name, FOLDER), "utf-8"));
  return sources.flatMap((source) => [...source.matchAll(/"(try_[a-z_]+)"/g)].map(([, key]) => key));
}

test("every text of the Try tab is there in both languages", () => {
  const missing = used().filter((key) => !(key in TRY));
  assert.deepEqual(missing, []);
  for (const [key, texts] of Object.entries(TRY)) assert.ok(texts.length === 2 && texts.every(Boolean), key);
});

test("no text of the Try tab is superfluous", () => {
  const keys = new Set(used());
  assert.deepEqual(Object.keys(TRY).filter((key) => !keys.has(key)), []);
});

test("both languages of a text of the Try tab have the same values", () => {
  const values = (text) => (text.match(/\{\w+\}/g) ?? []).sort();
  for (const [key, [english, chinese]] of Object.entries(TRY)) assert.deepEqual(values(english), values(chinese), key);
});
