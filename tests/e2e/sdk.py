"""What a user of the Anthropic SDK does, through the gateway. Fails by assertion."""

import json
import os
import sys
import urllib.request

import anthropic

VALUES = json.loads(os.environ["VALUES"])
PROSE = os.environ["PROSE"]
PROVIDER = os.environ["PROVIDER"]
client = anthropic.Anthropic(
    base_url=os.environ["GATEWAY"], api_key="sk-ant-api03-e2e", max_retries=3, timeout=30
)
ASKING = {"model": "claude-sonnet-5-5", "max_tokens": 1000}
TOOLS = [
    {
        "name": "describe",
        "description": f"Describes {VALUES[0]}",
        "input_schema": {"type": "object", "properties": {"id": {"type": "string"}}},
    }
]


def control(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(PROVIDER + path, data=data, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def script(**settings):
    control("DELETE", "/__requests")
    control("PUT", "/__script", settings)


def requests():
    seen = control("GET", "/__requests")
    for value in VALUES:
        assert value not in json.dumps(seen), f"the provider saw {value}"
    return seen


def text():
    script()
    message = client.messages.create(messages=[{"role": "user", "content": PROSE}], **ASKING)
    assert message.content[0].text == "I see: " + PROSE, message
    assert len(requests()) == 1


def stream():
    for piece in (1, 2, 3):
        script(piece=piece, pings=True)
        messages = [{"role": "user", "content": PROSE}]
        with client.messages.stream(messages=messages, **ASKING) as events:
            got = "".join(events.text_stream)
            final = events.get_final_message()
        assert got == "I see: " + PROSE, got
        assert final.content[0].text == got
        assert len(requests()) == 1


def tools():
    call = {"name": "describe", "input": {"id": "{{check }}", "more": ["{{role/}} \"x\""]}}
    script(
        piece=2,
        steps=[
            {"thinking": "Which? {{check }}", "text": "I look.", "tools": [call]},
            {"text": "It is {{check }}."},
        ],
    )
    messages = [{"role": "user", "content": PROSE}]
    with client.messages.stream(messages=messages, tools=TOOLS, **ASKING) as events:
        message = events.get_final_message()
    assert message.stop_reason == "tool_use", message
    use = message.content[-1]
    assert use.input == {"id": VALUES[0], "more": [f'{VALUES[5]} "x"']}, use.input
    messages.append({"role": "assistant", "content": message.content})
    result = {"type": "tool_result", "tool_use_id": use.id, "content": f"{VALUES[0]} runs in {VALUES[1]}"}
    messages.append({"role": "user", "content": [result]})
    last = client.messages.create(messages=messages, tools=TOOLS, **ASKING)
    assert last.content[0].text == f"It is {VALUES[0]}.", last
    first, second = (json.loads(request["body"]) for request in requests())
    assert second["messages"][0] == first["messages"][0]
    assert second["tools"] == first["tools"]


def retries():
    failure = {"headers": {"retry-after": "0"}, "message": "try again"}
    for status in (429, 529):
        script(failures=[{"status": status, **failure}] * 2)
        message = client.messages.create(messages=[{"role": "user", "content": PROSE}], **ASKING)
        assert message.content[0].text == "I see: " + PROSE
        seen = requests()
        assert len(seen) == 3, len(seen)
        assert len({request["body"] for request in seen}) == 1, "retries differ"
    script(failures=[{"status": 429, **failure}] * 9)
    try:
        client.messages.create(messages=[{"role": "user", "content": PROSE}], **ASKING)
    except anthropic.RateLimitError as error:
        assert error.body["error"]["message"] == "try again", error.body
        assert error.response.headers["retry-after"] == "0"
    else:
        raise AssertionError("no error")
    assert len(requests()) == 4


def refusals():
    script()
    try:
        client.messages.create(
            messages=[{"role": "user", "content": "Hello"}], metadata={"user_id": VALUES[3]}, **ASKING
        )
    except anthropic.UnprocessableEntityError as error:
        assert error.body["type"] == "error", error.body
        assert VALUES[3] not in json.dumps(error.body)
    else:
        raise AssertionError("no error")
    assert requests() == []


def others():
    script()
    counted = client.messages.count_tokens(
        model="claude-sonnet-5-5", messages=[{"role": "user", "content": PROSE}]
    )
    assert counted.input_tokens > 0
    assert [model.id for model in client.models.list()][0] == "claude-sonnet-5-5"
    requests()


for check in (text, stream, tools, retries, refusals, others):
    try:
        check()
    except Exception:
        print(f"in {check.__name__}:", file=sys.stderr)
        raise
