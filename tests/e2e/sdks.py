"""What users of the SDKs of OpenAI, Google and AWS do, through the gateway. Fails by assertion."""

import json
import os
import sys
import urllib.request

import boto3
import botocore.config
import openai
from botocore import UNSIGNED
from google import genai
from google.genai import types

VALUES = json.loads(os.environ["VALUES"])
PROSE = os.environ["PROSE"]
PROVIDER = os.environ["PROVIDER"]
GATEWAY = os.environ["GATEWAY"]
ECHO = "I see: " + PROSE
ARN = "arn:aws:bedrock:us-east-1::inference-profile/eu.anthropic.claude-v1:0"
SCHEMA = {"type": "object", "properties": {"id": {"type": "string"}}}
STEPS = [
    {"text": "I look.", "tools": [{"name": "describe", "input": {"id": "{{check }}", "more": ["{{role/}} \"x\""]}}]},
    {"text": "It is {{check }}."},
]
INPUT = {"id": VALUES[0], "more": [f'{VALUES[5]} "x"']}


def control(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(PROVIDER + path, data=data, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def script(**settings):
    control("DELETE", "/__requests")
    control("PUT", "/__script", settings)


def requests(count):
    seen = control("GET", "/__requests")
    for value in VALUES:
        assert value not in json.dumps(seen), f"the provider saw {value}"
    assert len(seen) == count, len(seen)
    return seen


openai_client = openai.OpenAI(base_url=GATEWAY + "/v1", api_key="sk-e2e", max_retries=0, timeout=30)
USER = [{"role": "user", "content": PROSE}]


def chat():
    script()
    answer = openai_client.chat.completions.create(model="gpt-5", messages=USER)
    assert answer.choices[0].message.content == ECHO, answer
    for piece in (1, 3):
        script(piece=piece)
        chunks = openai_client.chat.completions.create(model="gpt-5", messages=USER, stream=True)
        got = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        assert got == ECHO, got
    requests(1)


def chat_tools():
    tools = [{"type": "function", "function": {"name": "describe", "description": VALUES[0], "parameters": SCHEMA}}]
    for stream in (False, True):
        script(piece=2, steps=STEPS)
        messages = list(USER)
        if stream:
            chunks = openai_client.chat.completions.create(model="gpt-5", messages=messages, tools=tools, stream=True)
            calls = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or []]
            arguments = "".join(call.function.arguments for call in calls)
        else:
            answer = openai_client.chat.completions.create(model="gpt-5", messages=messages, tools=tools)
            arguments = answer.choices[0].message.tool_calls[0].function.arguments
        assert json.loads(arguments) == INPUT, arguments
        call = {"id": "call_1", "type": "function", "function": {"name": "describe", "arguments": arguments}}
        messages.append({"role": "assistant", "content": "I look.", "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": "call_1", "content": f"{VALUES[0]} runs"})
        last = openai_client.chat.completions.create(model="gpt-5", messages=messages, tools=tools)
        assert last.choices[0].message.content == f"It is {VALUES[0]}.", last
        first, second = (json.loads(request["body"]) for request in requests(2))
        assert second["messages"][0] == first["messages"][0]


def responses():
    script()
    answer = openai_client.responses.create(model="gpt-5", input=PROSE)
    assert answer.output_text == ECHO, answer
    tools = [{"type": "function", "name": "describe", "description": VALUES[0], "parameters": SCHEMA, "strict": False}]
    for piece in (1, 4):
        script(piece=piece, steps=[dict(STEPS[0], text="See {{check }}.")])
        with openai_client.responses.stream(model="gpt-5", input=USER, tools=tools) as events:
            text, arguments, done = "", "", {}
            for event in events:
                if event.type == "response.output_text.delta":
                    text += event.delta
                elif event.type == "response.function_call_arguments.delta":
                    arguments += event.delta
                elif event.type.endswith(".done"):
                    done[event.type] = event
            final = events.get_final_response()
        assert text == f"See {VALUES[0]}." == done["response.output_text.done"].text == final.output_text, text
        assert json.loads(arguments) == INPUT, arguments
        assert done["response.function_call_arguments.done"].arguments == arguments
        assert final.output[1].arguments == arguments
        requests(1)


def embeddings():
    script()
    raw = openai_client.embeddings.with_raw_response.create(model="e", input=[PROSE], encoding_format="float")
    assert raw.status_code == 200
    requests(1)


def files():
    line = {"custom_id": "one", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "x", "messages": USER}}
    script()
    openai_client.files.with_raw_response.create(file=("batch.jsonl", json.dumps(line).encode()), purpose="batch")
    seen = requests(1)
    assert '"custom_id": "one"' in seen[0]["body"], seen[0]["body"]
    try:
        openai_client.files.create(file=("a.pdf", b"%PDF-"), purpose="user_data")
    except openai.APIStatusError as error:
        assert error.status_code == 415, error
    else:
        raise AssertionError("no error")
    requests(1)


def refused():
    script()
    try:
        openai_client.post("/chat/completions", body={"model": "x"}, cast_to=object,
                           options={"headers": {"Authorization": "AWS4-HMAC-SHA256 Credential=x"}})
    except openai.BadRequestError as error:
        assert error.code == "signed", error.body
    else:
        raise AssertionError("no error")
    requests(0)


google = genai.Client(api_key="AIzaSyE2E", http_options=types.HttpOptions(base_url=GATEWAY))


def gemini():
    script()
    answer = google.models.generate_content(model="gemini-3-pro", contents=PROSE)
    assert answer.text == ECHO, answer
    for piece in (1, 3):
        script(piece=piece)
        chunks = google.models.generate_content_stream(model="gemini-3-pro", contents=PROSE)
        got = "".join(chunk.text or "" for chunk in chunks)
        assert got == ECHO, got
        requests(1)
    body = json.dumps({"contents": [{"role": "user", "parts": [{"text": PROSE}]}]}).encode()
    request = urllib.request.Request(
        GATEWAY + "/v1beta/models/gemini-3-pro:streamGenerateContent", data=body,
        headers={"content-type": "application/json", "x-goog-api-key": "AIzaSyE2E"})
    with urllib.request.urlopen(request) as answer:
        items = json.load(answer)
    got = "".join(part["text"] for item in items for part in item["candidates"][0]["content"]["parts"])
    assert got == ECHO, got


def gemini_tools():
    function = {"name": "describe", "description": VALUES[0],
                "parameters": {"type": "OBJECT", "properties": {"id": {"type": "STRING"}}}}
    config = types.GenerateContentConfig(
        tools=[types.Tool(function_declarations=[function])], system_instruction=f"Look after {VALUES[1]}",
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True))
    script(steps=STEPS)
    contents = [types.Content(role="user", parts=[types.Part(text=PROSE)])]
    answer = google.models.generate_content(model="gemini-3-pro", contents=contents, config=config)
    assert answer.function_calls[0].args == INPUT, answer
    contents.append(answer.candidates[0].content)
    contents.append(types.Content(role="user", parts=[
        types.Part.from_function_response(name="describe", response={"state": f"{VALUES[0]} runs"})]))
    last = google.models.generate_content(model="gemini-3-pro", contents=contents, config=config)
    assert last.text == f"It is {VALUES[0]}.", last
    first, second = (json.loads(request["body"]) for request in requests(2))
    assert second["contents"][0] == first["contents"][0]
    assert "c2lnbmF0dXJl" in json.dumps(second), "the signature goes back"


def bedrock_client(**settings):
    config = botocore.config.Config(retries={"max_attempts": 1}, **settings)
    return boto3.client("bedrock-runtime", region_name="us-east-1", endpoint_url=GATEWAY, config=config,
                        aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="x")


bedrock = bedrock_client(signature_version=UNSIGNED)
SAYING = [{"role": "user", "content": [{"text": PROSE}]}]


def converse():
    script()
    answer = bedrock.converse(modelId="amazon.nova-v1:0", messages=SAYING)
    assert answer["output"]["message"]["content"][0]["text"] == ECHO, answer
    for piece in (1, 3):
        script(piece=piece, steps=STEPS)
        tools = {"tools": [{"toolSpec": {"name": "describe", "description": VALUES[0], "inputSchema": {"json": SCHEMA}}}]}
        answer = bedrock.converse_stream(modelId="amazon.nova-v1:0", messages=SAYING, toolConfig=tools)
        text, source, names = "", "", []
        for event in answer["stream"]:
            names += event
            delta = event.get("contentBlockDelta", {}).get("delta", {})
            text += delta.get("text", "")
            source += delta.get("toolUse", {}).get("input", "")
        assert text == "I look.", text
        assert json.loads(source) == INPUT, source
        assert names[-1] == "metadata", names
        block = {"toolUse": {"toolUseId": "tooluse_1", "name": "describe", "input": json.loads(source)}}
        result = {"toolResult": {"toolUseId": "tooluse_1", "content": [{"json": {"of": VALUES[0]}}]}}
        turns = SAYING + [{"role": "assistant", "content": [block]}, {"role": "user", "content": [result]}]
        answer = bedrock.converse_stream(modelId="amazon.nova-v1:0", messages=turns, toolConfig=tools)
        events = [event["contentBlockDelta"]["delta"]["text"] for event in answer["stream"] if "contentBlockDelta" in event]
        assert "".join(events) == f"It is {VALUES[0]}.", events
        requests(2)


def invoke():
    model = ARN if os.environ.get("ARNS") else "anthropic.claude-v1:0"
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 100, "messages": USER}
    script()
    answer = bedrock.invoke_model(modelId=model, body=json.dumps(body), contentType="application/json")
    assert json.load(answer["body"])["content"][0]["text"] == ECHO
    for piece in (1, 3):
        script(piece=piece, pings=True)
        answer = bedrock.invoke_model_with_response_stream(modelId=model, body=json.dumps(body), contentType="application/json")
        events = [json.loads(event["chunk"]["bytes"]) for event in answer["body"]]
        got = "".join(event.get("delta", {}).get("text", "") for event in events)
        assert got == ECHO, got
        assert events[-1]["type"] == "message_stop"
        seen = requests(1)
        if os.environ.get("ARNS"):
            assert "inference-profile%2Feu.anthropic" in seen[0]["path"], seen[0]["path"]


def signed():
    script()
    try:
        bedrock_client().converse(modelId="amazon.nova-v1:0", messages=SAYING)
    except Exception as error:
        assert type(error).__name__ == "ValidationException", error
        assert "Signature Version 4" in str(error), error
    else:
        raise AssertionError("no error")
    requests(0)


ALL = (chat, chat_tools, responses, embeddings, files, refused, gemini, gemini_tools, converse, invoke, signed)
for check in [check for check in ALL if check.__name__ in sys.argv[1:] or not sys.argv[1:]]:
    try:
        check()
    except Exception:
        print(f"in {check.__name__}:", file=sys.stderr)
        raise
