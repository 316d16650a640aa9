#!/usr/bin/env python3
"""Derives src/detect/patterns/option_names.toml from the service models of botocore.

    pip install --no-deps --target DIR botocore==1.43.0
    python3 scripts/option_names.py DIR > src/detect/patterns/option_names.toml

On AWS's command line the service says what an option names that means little elsewhere:
`aws eks … --name` is a cluster, `aws ecs … --service` a service. An option names a
resource if the operation is about one that the service makes and the option is `--name`,
`--id` or `--identifier`, or if it is called as a resource is and its documentation speaks
of a name. Where the operation matters to the kind, it is named: `ssm.parameter.name`.
Options that key_names.toml holds are not here.
"""

import collections
import pathlib
import re
import sys

import key_names

OPERATION = re.compile(r"[A-Z][a-z]+((?:[A-Z]\w*)?)$")
BARE = {"name", "id", "identifier"}
NAMED = re.compile(r"\b(?:names?|IDs?|identifiers?|ARNs?|Amazon Resource Names?)\b", re.IGNORECASE)
# Resources to the services, and yet no names that a customer chose.
NO_NAME = re.compile(
    r"(?:attribute|attributename|type|typename|typeid|version|region|regionname|location|zonegroup|account|accountid"
    r"|certificate|keyword|policy|sessionid|token|tokenid)$"
)
# How the command line calls the services that it does not call as botocore does.
COMMANDS = {"s3": "s3api", "codedeploy": "deploy", "config": "configservice"}


def resource(member, documentation, noun, made):
    """The resource that a member of an operation's input names."""
    plain = key_names.singular(member.lower())
    if plain in BARE:
        return noun if {noun.lower(), key_names.singular(noun).lower()} & made else None
    if NO_NAME.search(plain):
        return None
    if plain in made:
        text = re.sub(r"<[^>]*>", "", documentation)
        return plain if NAMED.search(re.split(r"(?<=\w)\. ", text)[0]) else None
    stem = key_names.MEMBER.match(member)
    return stem[1] if stem and key_names.singular(stem[1].lower()) in made else None


def options(model):
    """The string members of all inputs that name a resource, with what the operation is about and the resource."""
    shapes = model["shapes"]
    made = (key_names.MAKES.match(operation) for operation in model["operations"])
    made = {form.lower() for found in made if found for form in (found[1], key_names.singular(found[1]))}
    for operation, described in model["operations"].items():
        about = OPERATION.match(operation)
        about = about[1] if about else ""
        members = shapes[described["input"]["shape"]].get("members", {}) if "input" in described else {}
        for member, ref in members.items():
            target = shapes[ref["shape"]]
            if target["type"] == "list":
                target = shapes[target["member"]["shape"]]
            if target["type"] != "string" or "enum" in target:
                continue
            documentation = ref.get("documentation") or target.get("documentation", "")
            noun = resource(member, documentation, about, made)
            if noun:
                yield key_names.singular(member.lower()), about.lower(), noun.lower()


def table(folder):
    """The options of each service, by the kind of what they name."""
    alone, beside, _, _ = key_names.table(folder)
    known = {key for groups in (alone, beside) for keys in groups.values() for key in keys}
    own = {(service, noun.lower()): kind for (service, noun), kind in key_names.KINDS.items()}
    kinds, groups = key_names.arn_kinds(own_name=True), collections.defaultdict(list)
    for service, model in key_names.models(pathlib.Path(folder) / "botocore/data"):
        meta, command = model["metadata"], COMMANDS.get(service, service)
        prefixes = [service, meta.get("signingName"), meta["endpointPrefix"]]
        found = collections.defaultdict(dict)
        for option, about, noun in options(model):
            if option not in known:
                forms = [noun, key_names.singular(noun)]
                of_own = (own.get((service, form)) for form in forms)
                of_arn = (kinds.get((prefix, form)) for form in forms for prefix in prefixes)
                found[option][about] = next(filter(None, (*of_own, *of_arn)), "RESOURCE")
        for option, by_operation in found.items():
            counted = collections.Counter(by_operation.values()).most_common()
            first = next((kind for kind, _ in counted if kind != "RESOURCE"), "RESOURCE")
            groups[first].append(f"{command}.{option}")
            for about, kind in by_operation.items():
                if kind != first:
                    groups[kind].append(f"{command}.{about}.{option}")
    return groups


def main(folder):
    version = next(pathlib.Path(folder).glob("botocore-*.dist-info")).name.split("-")[1]
    print("# Options of AWS's command line whose service says what they name, by the kind of their value.")
    print(f"# Made by scripts/option_names.py from the service models of botocore {version.removesuffix('.dist')}")
    print("# (Apache-2.0); do not edit. Without separators, and without the `s` of a list.")
    for kind, names in sorted(table(folder).items()):
        print(f'\n{kind} = """\n' + "\n".join(key_names.wrapped(sorted(names))) + '"""')


if __name__ == "__main__":
    main(sys.argv[1])
