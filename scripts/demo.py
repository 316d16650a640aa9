"""The request of `make demo`: demo.py GATEWAY PROVIDER. Fails if anything leaked."""

import json
import re
import sys
import urllib.request

gateway, provider = sys.argv[1:]

# Made-up identifiers; the key pair is the one of AWS's documentation.
INSTANCE = "i-0abc123def4567890"
ROLE = "arn:aws:iam::123456789012:role/payments-deployer"
ADDRESS = "10.20.30.40"
ACCESS_KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
PLANTED = [INSTANCE, "123456789012", "payments-deployer", ADDRESS, ACCESS_KEY, SECRET_KEY]

QUESTION = f"""Instance {INSTANCE} at {ADDRESS} answers 503 since this morning.
It runs as {ROLE}. This is in its environment:

AWS_ACCESS_KEY_ID={ACCESS_KEY}
AWS_SECRET_ACCESS_KEY={SECRET_KEY}

How do I find out what is wrong?"""

ANSWER = {
    "text": "Look at {{Instance }} first; its role is {{It runs as }}",
    "tools": [{"name": "Bash", "input": {"command": "aws ec2 describe-instance-status --instance-ids {{Instance }}"}}],
}


def call(url, body=None, method=None, **headers):
    """Sends JSON if there is a body; returns what came back as text."""
    data = None if body is None else json.dumps(body).encode()
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, data, {"content-type": "application/json", **headers}, method=method)
    with urllib.request.urlopen(request, timeout=30) as response:
        return response.read().decode()


def streamed(text):
    """Text and tool call of a stream of events, put together as a client does."""
    said = {"text_delta": "", "input_json_delta": ""}
    for line in text.splitlines():
        if line.startswith("data: {"):
            delta = json.loads(line.removeprefix("data: ")).get("delta", {})
            if delta.get("type") in said:
                said[delta["type"]] += delta.get("text", "") + delta.get("partial_json", "")
    return said["text_delta"], json.loads(said["input_json_delta"])["command"]


def pane(title, text):
    """Prints a text under a title; identifiers stand out on a terminal."""
    marks = "|".join([r"(?:AWS|SECRET)_[A-Z0-9_]+_[A-Z][0-9A-Z]{11}", *map(re.escape, PLANTED)])
    if sys.stdout.isatty():
        colors = lambda found: f"\033[3{2 if found[0][:4] in ('AWS_', 'SECR') else 1}m{found[0]}\033[0m"
        text = re.sub(marks, colors, text)
    print(f"── {title} " + "─" * (76 - len(title)))
    print(text, end="\n\n")


call(provider + "/__script", {"steps": [ANSWER], "piece": 3}, "PUT")
events = call(
    gateway + "/v1/messages",
    {
        "model": "claude-sonnet-5-5",
        "max_tokens": 1024,
        "stream": True,
        "tools": [{"name": "Bash", "description": "Runs a command", "input_schema": {"type": "object"}}],
        "messages": [{"role": "user", "content": QUESTION}],
    },
    x_api_key="demo",
)
seen = json.loads(call(provider + "/__requests"))[-1]["body"]
said, command = streamed(events)

print()
pane("what you sent", QUESTION)
pane("what the provider saw", json.loads(seen)["messages"][0]["content"])
pane("what you got back, streamed in pieces of 3 characters", f"{said}\n\nBash: {command}")

leaked = [value for value in PLANTED if value in seen]
restored = INSTANCE in said and ROLE in said and command.endswith(INSTANCE)
if leaked or not restored:
    sys.exit(f"demo: {'the provider saw ' + ', '.join(leaked) if leaked else 'not everything was restored'}")
print("The provider saw none of the six values; you got yours back exactly.")
