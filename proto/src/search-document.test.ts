/** The published JSON Schema is the one of the code, and says of files what the code says. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { searchDocumentSchema, searchJsonSchema } from "./search-document.js";

const published: unknown = JSON.parse(readFileSync(new URL("../schema/search.schema.json", import.meta.url), "utf8"));

test("proto/schema/search.schema.json is current (npm run generate writes it)", () => {
  assert.deepEqual(published, JSON.parse(JSON.stringify(searchJsonSchema())));
});

test("every field of the file has a sentence for editors, and unknown ones are refused", () => {
  const schema = searchJsonSchema();
  assert.equal(schema.additionalProperties, false);
  const properties: object = schema.properties ?? {};
  assert.deepEqual(Object.keys(properties).sort(), Object.keys(searchDocumentSchema.shape).sort());
  for (const [name, property] of Object.entries(properties)) assert.ok(String(property.description).length > 5, name);
});
