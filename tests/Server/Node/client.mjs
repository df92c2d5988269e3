// The official openai package against a server of the tests: node client.mjs ADDRESS. Prints one JSON object.
import OpenAI from "openai";

const client = new OpenAI({ baseURL: `${process.argv[2]}v1`, apiKey: "sk-node", maxRetries: 3 });
const image = { type: "image_url", image_url: { url: process.argv[3] } };
const result = {};

result.models = [];
for await (const model of client.models.list()) result.models.push(model.id);

const whole = await client.chat.completions.create({ model: "scripted", messages: [{ role: "user", content: [{ type: "text", text: "What is it?" }, image] }] });
result.whole = [whole.choices[0].message.content, whole.choices[0].finish_reason, whole.usage.total_tokens];

result.streamed = "";
for await (const chunk of await client.chat.completions.create({ model: "scripted", messages: [{ role: "user", content: "x" }], stream: true, stream_options: { include_usage: true } })) {
  result.streamed += chunk.choices[0]?.delta?.content ?? "";
  if (chunk.usage) result.usage = chunk.usage.total_tokens;
}

const format = { type: "json_schema", json_schema: { name: "a", schema: { type: "object", properties: { colour: { type: "string" } } } } };
result.schema = (await client.chat.completions.create({ model: "scripted", messages: [{ role: "user", content: "schema" }], response_format: format })).choices[0].message.content;

const tools = [{ type: "function", function: { name: "look", parameters: { type: "object", properties: { at: { type: "string" } } } } }];
const called = await client.chat.completions.create({ model: "scripted", messages: [{ role: "user", content: "tool" }], tools });
const call = called.choices[0].message.tool_calls[0];
result.call = [call.function.name, JSON.parse(call.function.arguments).at];
const after = await client.chat.completions.create({ model: "scripted", messages: [{ role: "user", content: "tool" }, called.choices[0].message, { role: "tool", tool_call_id: call.id, content: "blue" }], tools });
result.after = after.choices[0].message.content;

// Retried by the package until the server is free again.
result.retried = (await client.chat.completions.create({ model: "scripted", messages: [{ role: "user", content: "busy" }] })).choices[0].message.content;

result.errors = [];
for (const [options, body] of [[{ apiKey: "wrong" }, {}], [{}, { model: "gpt-9" }], [{}, { temperature: 9 }]]) {
  try {
    await new OpenAI({ baseURL: `${process.argv[2]}v1`, apiKey: "sk-node", maxRetries: 0, ...options }).chat.completions.create({ model: "scripted", messages: [{ role: "user", content: "x" }], ...body });
  } catch (e) {
    result.errors.push([e.constructor.name, e.status, e.code ?? e.param]);
  }
}

const leaving = new AbortController();
try {
  for await (const _ of await client.chat.completions.create({ model: "scripted", messages: [{ role: "user", content: "long" }], stream: true }, { signal: leaving.signal })) leaving.abort();
  result.left = true;
} catch (e) {
  result.left = e.constructor.name === "APIUserAbortError";
}

console.log(JSON.stringify(result));
