// What users of the SDKs for TypeScript do, through the gateway. Fails by assertion.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const VALUES = JSON.parse(process.env.VALUES);
const { PROSE, PROVIDER, GATEWAY, NODE_SDKS } = process.env;
const ECHO = "I see: " + PROSE;
const require = createRequire(NODE_SDKS + "/package.json");
const load = (name) => import(pathToFileURL(require.resolve(name)));

const { default: Anthropic } = await load("@anthropic-ai/sdk");
const { default: OpenAI } = await load("openai");
const { generateText, streamText, stepCountIs, tool, jsonSchema } = await load("ai");
const { createAnthropic } = await load("@ai-sdk/anthropic");
const { createOpenAI } = await load("@ai-sdk/openai");

const SCHEMA = {
  type: "object",
  properties: { id: { type: "string", pattern: "^i-[0-9a-f]+$" }, more: { type: "array", items: { type: "string" } } },
  required: ["id", "more"],
  additionalProperties: false,
};
const STEPS = [
  { text: "I look.", tools: [{ name: "describe", input: { id: "{{check }}", more: ['{{role/}} "x"'] } }] },
  { text: "It is {{check }}." },
];
const INPUT = { id: VALUES[0], more: [`${VALUES[5]} "x"`] };
const SAID = `It is ${VALUES[0]}.`;

async function control(method, path, body) {
  const sent = await fetch(PROVIDER + path, { method, body: body && JSON.stringify(body) });
  return sent.json();
}

async function script(settings = {}) {
  await control("DELETE", "/__requests");
  await control("PUT", "/__script", settings);
}

async function requests(count) {
  const seen = await control("GET", "/__requests");
  const text = JSON.stringify(seen);
  for (const value of VALUES) assert(!text.includes(value), "the provider saw a value");
  assert.equal(seen.length, count);
  return text;
}

const ask = [{ role: "user", content: PROSE }];

async function anthropic() {
  const client = new Anthropic({ baseURL: GATEWAY, apiKey: "sk-ant-api03-e2e", maxRetries: 0 });
  const model = { model: "claude-sonnet-5-5", max_tokens: 100 };
  await script();
  const answer = await client.messages.create({ ...model, messages: ask });
  assert.equal(answer.content[0].text, ECHO);
  for (const piece of [1, 3]) {
    await script({ piece });
    assert.equal(await client.messages.stream({ ...model, messages: ask }).finalText(), ECHO);
  }
  const tools = [{ name: "describe", description: VALUES[0], input_schema: SCHEMA }];
  await script({ piece: 2, steps: STEPS });
  const called = await client.messages.stream({ ...model, messages: ask, tools }).finalMessage();
  const call = called.content.find((block) => block.type === "tool_use");
  assert.deepEqual(call.input, INPUT);
  const result = { type: "tool_result", tool_use_id: call.id, content: `${VALUES[0]} runs` };
  const more = [{ role: "assistant", content: called.content }, { role: "user", content: [result] }];
  const last = await client.messages.stream({ ...model, messages: [...ask, ...more], tools }).finalText();
  assert.equal(last, SAID);
  assert((await requests(2)).includes("(AWS|SECRET)_"), "the schema admits placeholders");
}

async function openai() {
  const client = new OpenAI({ baseURL: GATEWAY + "/v1", apiKey: "sk-e2e", maxRetries: 0 });
  await script();
  const answer = await client.chat.completions.create({ model: "gpt-5", messages: ask });
  assert.equal(answer.choices[0].message.content, ECHO);
  const response = await client.responses.create({ model: "gpt-5", input: PROSE });
  assert.equal(response.output_text, ECHO);
  for (const piece of [1, 3]) {
    await script({ piece });
    let text = "";
    for await (const chunk of await client.chat.completions.create({ model: "gpt-5", messages: ask, stream: true })) {
      text += chunk.choices[0]?.delta.content ?? "";
    }
    assert.equal(text, ECHO);
    text = "";
    for await (const event of await client.responses.create({ model: "gpt-5", input: PROSE, stream: true })) {
      if (event.type === "response.output_text.delta") text += event.delta;
      if (event.type === "response.completed") assert.equal(event.response.output[0].content[0].text, ECHO);
    }
    assert.equal(text, ECHO);
  }
  await requests(2);
}

async function vercel() {
  const claude = createAnthropic({ baseURL: GATEWAY + "/v1", apiKey: "sk-ant-api03-e2e" })("claude-sonnet-5-5");
  const gpt = createOpenAI({ baseURL: GATEWAY + "/v1", apiKey: "sk-e2e" }).chat("gpt-5");
  for (const model of [claude, gpt]) {
    await script();
    assert.equal((await generateText({ model, prompt: PROSE, maxRetries: 0 })).text, ECHO);
    await script({ piece: 1 });
    assert.equal(await streamText({ model, prompt: PROSE, maxRetries: 0 }).text, ECHO);
    await script({ piece: 2, steps: STEPS });
    const inputs = [];
    const describe = tool({
      description: VALUES[0],
      inputSchema: jsonSchema(SCHEMA),
      execute: async (input) => {
        inputs.push(input);
        return `${VALUES[0]} runs`;
      },
    });
    const stopWhen = stepCountIs(3);
    const run = streamText({ model, prompt: PROSE, tools: { describe }, stopWhen, maxRetries: 0 });
    assert.equal(await run.text, SAID);
    assert.deepEqual(inputs, [INPUT]);
    await requests(2);
  }
}

const all = { anthropic, openai, vercel };
const names = process.argv.slice(2);
for (const name of names.length ? names : Object.keys(all)) await all[name]();
