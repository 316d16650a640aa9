"""Lists every string that the vendors' SDKs know in requests, answers and streams.

    python scripts/schemas.py            # says what the committed table lacks; fails if it does
    python scripts/schemas.py --update   # adds it, undecided; MASKER_BLESS=1 cargo test writes the decisions

The table is tests/golden/schemas.tsv: format, type and field, decision, and a document that
holds `@` at that place. `tests/it/schemas.rs` holds every decision against what masker does.
A newer SDK may bring fields: those are undecided until they stand in the table.
"""

import gzip
import json
import sys
import types
import typing
from pathlib import Path

import anthropic.types.beta as claude
import botocore
import google.genai.types as google
import openai.types as openai
import pydantic
import typing_extensions
from anthropic.types.beta import message_create_params as claude_request
from openai.types import chat, responses
from openai.types.chat import completion_create_params as chat_request
from openai.types.responses import response_create_params as responses_request

TABLE = Path(__file__).resolve().parent.parent / "tests/golden/schemas.tsv"
MARK = "@"
# Deeper, types repeat themselves.
DEPTH = 14
# Of the SDK itself: never sent.
OWN = ("sdk_http_response", "automatic_function_calling_history", "parsed", "http_options")


def unwrap(tp):
    """Required[X], Annotated[X, …] and the like: X."""
    while True:
        origin = typing.get_origin(tp)
        if origin in (typing.Annotated, typing_extensions.Required, typing_extensions.NotRequired,
                      typing.Required, typing.NotRequired):
            tp = typing.get_args(tp)[0]
        elif isinstance(tp, (typing.TypeAliasType, typing_extensions.TypeAliasType)) if hasattr(typing, "TypeAliasType") else False:
            tp = tp.__value__
        else:
            return tp


def fields(tp):
    """Names as they are sent, and types, of an object's fields. None: it is no object."""
    if isinstance(tp, type) and issubclass(tp, pydantic.BaseModel):
        return {field.alias or name: field.annotation for name, field in tp.model_fields.items()
                if name not in OWN}
    if typing_extensions.is_typeddict(tp):
        hints = typing_extensions.get_type_hints(tp, include_extras=True)
        return {alias(name, hint): hint for name, hint in hints.items()}
    return None


def alias(name, hint):
    while typing.get_origin(hint) in (typing_extensions.Required, typing.Required):
        hint = typing.get_args(hint)[0]
    for extra in typing.get_args(hint)[1:] if typing.get_origin(hint) is typing.Annotated else ():
        name = getattr(extra, "alias", None) or name
    return name


class Lister:
    def __init__(self, name):
        self.name, self.rows, self.queue = name, {}, []

    def list(self, root, build=lambda value: value):
        """Breadth first: each type is shown where it stands first."""
        self.queue.append((root, build, self.name, "", 0))
        while self.queue:
            self.step(*self.queue.pop(0))
        return self.rows

    def leaf(self, owner, field, build):
        self.rows.setdefault(f"{owner}.{field}", build(MARK))

    def step(self, tp, build, owner, field, depth):
        tp = unwrap(tp)
        origin, args = typing.get_origin(tp), typing.get_args(tp)
        if depth > DEPTH or tp in (int, float, bool, type(None)):
            return
        if tp in (str, bytes) or isinstance(tp, type) and issubclass(tp, str):
            return self.leaf(owner, field, build)
        if origin in (typing.Literal, typing_extensions.Literal):
            return
        if origin in (typing.Union, types.UnionType):
            members = [unwrap(member) for member in args]
            # A text beside names that are fixed: one string.
            for member in members:
                self.queue.append((member, build, owner, field, depth))
            return
        own = fields(tp)
        if own is not None:
            return self.object(tp, own, build, depth)
        if origin is dict or (isinstance(origin, type) and issubclass(origin, typing.Mapping)):
            if args and unwrap(args[1]) not in (object, typing.Any):
                self.queue.append((args[1], lambda v: build({"k": v}), owner, field + ".*", depth + 1))
            else:
                self.leaf(owner, field + ".*", lambda v: build({"k": v}))
            return
        if origin is not None and args:
            self.queue.append((args[0], lambda v: build([v]), owner, field, depth + 1))
            return
        # Anything: a string, too.
        if tp in (object, typing.Any) or tp is dict:
            self.leaf(owner, field, build)

    def object(self, tp, own, build, depth):
        name = tp.__name__
        if any(key.startswith(name + ".") for key in self.rows):
            return
        fixed = {}
        for field, hint in own.items():
            hint = unwrap(hint)
            if typing.get_origin(hint) in (typing.Literal, typing_extensions.Literal):
                fixed[field] = typing.get_args(hint)[0]
        # Seen, even if it holds no string of its own.
        self.rows.setdefault(name + ".", None)
        for field, hint in own.items():
            if field not in fixed:
                at = lambda v, field=field: build({**fixed, field: v})  # noqa: E731
                self.queue.append((hint, at, name, field, depth + 1))


class Shapes(Lister):
    """The same for AWS's service models."""

    def __init__(self, name, model):
        super().__init__(name)
        self.shapes = model["shapes"]

    def step(self, name, build, owner, field, depth):
        shape = self.shapes[name]
        kind = shape["type"]
        if shape.get("document"):
            self.leaf(owner, field, lambda v: build({"k": v}))
        elif kind == "structure" and not any(key.startswith(name + ".") for key in self.rows):
            self.rows.setdefault(name + ".", None)
            for field, member in shape.get("members", {}).items():
                if member.get("location") in ("uri", "header", "querystring"):
                    continue
                at = lambda v, field=field: build({field: v})  # noqa: E731
                self.queue.append((member["shape"], at, name, field, depth + 1))
        elif kind == "list":
            self.queue.append((shape["member"]["shape"], lambda v: build([v]), owner, field, depth + 1))
        elif kind == "map":
            self.queue.append((shape["value"]["shape"], lambda v: build({"k": v}), owner, field + ".*", depth + 1))
        elif kind in ("string", "blob") and "enum" not in shape:
            self.leaf(owner, field, build)


def bedrock(name, shape, build=lambda value: value):
    folder = Path(botocore.__file__).parent / "data/bedrock-runtime/2023-09-30"
    model = json.load(gzip.open(folder / "service-2.json.gz"))
    return Shapes(name, model).list(shape, build)


def converse_events():
    """Each event by itself: its name is in a header, here in `@name`."""
    folder = Path(botocore.__file__).parent / "data/bedrock-runtime/2023-09-30"
    model = json.load(gzip.open(folder / "service-2.json.gz"))
    rows = {}
    for name, member in model["shapes"]["ConverseStreamOutput"]["members"].items():
        lister = Shapes("converse-event", model)
        build = lambda v, name=name: {**v, "@name": name} if isinstance(v, dict) else v  # noqa: E731
        rows.update({f"{name}.{key}": value for key, value in lister.list(member["shape"], build).items()})
    return rows


def gemini_request():
    rows = Lister("gemini").list(google.Content, lambda v: {"contents": [v]})
    for field, tp, listed in (("tools", google.Tool, True), ("toolConfig", google.ToolConfig, False),
                              ("generationConfig", google.GenerationConfig, False),
                              ("safetySettings", google.SafetySetting, True)):
        build = lambda v, field=field, listed=listed: {field: [v] if listed else v}  # noqa: E731
        rows.update(Lister("gemini").list(tp, build))
    rows["Body.systemInstruction"] = {"systemInstruction": {"parts": [{"text": MARK}]}}
    rows["Body.cachedContent"] = {"cachedContent": MARK}
    return rows


def all_rows():
    tables = {
        "messages-request": Lister("messages").list(claude_request.MessageCreateParamsNonStreaming),
        "messages-answer": Lister("messages").list(claude.BetaMessage),
        "messages-event": Lister("messages").list(claude.BetaRawMessageStreamEvent),
        "chat-request": Lister("chat").list(chat_request.CompletionCreateParamsNonStreaming),
        "chat-answer": Lister("chat").list(chat.ChatCompletion),
        "chat-event": Lister("chat").list(chat.ChatCompletionChunk),
        "completions-answer": Lister("chat").list(openai.Completion),
        "responses-request": Lister("responses").list(responses_request.ResponseCreateParamsNonStreaming),
        "responses-answer": Lister("responses").list(responses.Response),
        "responses-event": Lister("responses").list(responses.ResponseStreamEvent),
        "gemini-request": gemini_request(),
        "gemini-answer": Lister("gemini").list(google.GenerateContentResponse),
        "gemini-event": Lister("gemini").list(google.GenerateContentResponse),
        "converse-request": bedrock("converse", "ConverseRequest"),
        "converse-answer": bedrock("converse", "ConverseResponse"),
        "converse-event": converse_events(),
    }
    for table, rows in tables.items():
        for name, sample in sorted(rows.items()):
            if sample is not None:
                yield f"{table}\t{name}", json.dumps(sample, separators=(",", ":"))


def main():
    known = {}
    if TABLE.exists():
        for line in TABLE.read_text().splitlines():
            table, name, decision, sample = line.split("\t")
            known[f"{table}\t{name}"] = (decision, sample)
    rows = dict(all_rows())
    missing = [key for key in rows if key not in known]
    if "--update" in sys.argv:
        # What an older SDK had stays: clients use it.
        merged = {**{key: ("?", sample) for key, sample in rows.items()}, **known}
        TABLE.write_text("".join(f"{key}\t{merged[key][0]}\t{merged[key][1]}\n" for key in sorted(merged)))
        print(f"{len(missing)} added, {len(merged)} in all")
    elif missing:
        print(f"{len(missing)} fields are undecided:", *missing, sep="\n  ")
        sys.exit(1)
    else:
        print(f"{len(rows)} fields, all decided")


main()
