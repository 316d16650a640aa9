"""A session of the Anthropic SDK. Each line of standard input is a turn: the number of the
gateway, whether to stream, and what the user says if no tool is waiting; its answer is a
line of standard output."""

import json
import os
import sys

import anthropic

clients = [
    anthropic.Anthropic(base_url=url, api_key="sk-ant-api03-e2e", max_retries=0, timeout=60)
    for url in json.loads(os.environ["GATEWAYS"])
]
asking = {"model": "claude-sonnet-5-5", "max_tokens": 1000, "system": "You help with AWS."}
asking["tools"] = json.loads(os.environ["TOOLS"])
messages = []

for line in sys.stdin:
    turn = json.loads(line)
    calls = [block for block in messages[-1]["content"] if block.type == "tool_use"] if messages else []
    said = [{"type": "tool_result", "tool_use_id": call.id, "content": turn["said"]} for call in calls]
    messages.append({"role": "user", "content": said or turn["said"]})
    client = clients[turn["gateway"]]
    if turn["stream"]:
        with client.messages.stream(messages=messages, **asking) as events:
            message = events.get_final_message()
    else:
        message = client.messages.create(messages=messages, **asking)
    messages.append({"role": "assistant", "content": message.content})
    print(json.dumps([block.to_dict() for block in message.content]), flush=True)
