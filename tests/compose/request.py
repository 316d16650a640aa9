"""One request through the compose stack: request.py [--status] GATEWAY [PROVIDER].

VALUE= is the identifier in it.
"""

import json
import os
import sys
import urllib.error
import urllib.request

VALUE = os.environ.get("VALUE", "i-0abc123def4567890")


def call(url, body=None):
    """The status and the text of an answer; errors are answers too."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json", "x-api-key": "test"})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def message(gateway):
    body = {"model": "claude-sonnet-5-5", "max_tokens": 64, "messages": [{"role": "user", "content": f"look at {VALUE}"}]}
    return call(gateway + "/v1/messages", body)


if sys.argv[1] == "--status":
    print(message(sys.argv[2])[0])
    sys.exit()

gateway, provider = sys.argv[1:]
status, answer = message(gateway)
_, seen = call(provider + "/__requests")
if status != 200:
    sys.exit(f"compose: the gateway answered {status}: {answer}")
if VALUE in seen or "AWS_EC2_" not in seen:
    sys.exit("compose: the provider saw the value, or no placeholder")
if VALUE not in answer:
    sys.exit("compose: the answer was not restored")
