#!/usr/bin/env python3
"""Derives src/detect/patterns/key_names.toml from the service models of botocore.

    pip install --no-deps --target DIR botocore==1.43.0
    python3 scripts/key_names.py DIR > src/detect/patterns/key_names.toml

A resource is what an operation makes or removes (`CreateDBInstance`). A string member
that names one (`DBInstanceIdentifier`, `SourceDBInstanceIdentifier`) is a key of the table.
"""

import collections
import gzip
import json
import pathlib
import re
import sys
import textwrap
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
PATTERNS = ROOT / "src/detect/patterns"
MEMBER = re.compile(r"(.+?)(Id|Identifier|Name)s?$")
MAKES = re.compile(
    r"(?:Create|Delete|Register|Deregister|Put|Import|Allocate|Release|Run|Terminate|Request|Restore"
    r"|Purchase|Copy|Start|Stop|Schedule|Publish|Add|Provision|Deprovision|Upload|Modify|Update)([A-Z]\w+)$"
)
WORD = re.compile(r"[A-Z]+(?![a-z])s?|[A-Z][a-z0-9]*|[a-z0-9]+")
# Words that operations are about, and that are no resource which a customer names.
NO_RESOURCE = set(
    """Access Activity Address Alarm Api Attribute Attributes Availability AvailabilityZone Backtrack Block Body
    Class Client Column Command Content Context Country Custom Data Date Device Dimension Display Element Engine
    Entity Event EventType Field File First Font Format Header Host Index Item Key KeyPair Label Language Last
    Limit Local Locale Log Logical Message Method Metric Model Module Node Object Operation Option Order Owner
    Page Parameter Param Partition Path Product Property Protocol Provider Query Reference Region Request Resource
    Result Schema Segment Sender Service Setting Settings Shape Source Stage State Status Step Suite Symbol Tag
    Tags Target Task Test Text Time Token Topic Type Unit Value Variable Vendor Version View Zone""".split()
)
# Members without a pattern whose documentation or examples show spaces.
SPACED = {"alarmname", "keyname"}
# Members whose stem is such a word all the same, where AWS's own data shows them with names.
RESOURCES = {("ec2", "Key"), ("cloudwatch", "Alarm"), ("kms", "Key"), ("iam", "ServerCertificate")}
# Keys that name a resource of another service than the one they stand in.
EXTRA = {"kmskeyid": "KMS", "bucket": "S3_BUCKET", "dbname": "RDS_DB", "topicname": "SNS",
         # Of the CDK.
         "instanceidentifier": "RDS", "vpcname": "VPC"}
# What people call AWS's in their own files.
EXTRA_ALONE = {
    "S3_BUCKET": ["s3bucket", "s3bucketname", "s3logbucket", "s3logsbucket", "s3databucket", "s3backupbucket",
                  "awss3bucket", "awss3bucketname", "awsbucketname", "awsstoragebucketname"],
    "RDS": ["rdsinstance", "rdsinstanceid", "rdsinstancename"],
    # Of CloudFormation: what it made and what others may import has any name.
    "RESOURCE": ["physicalresourceid"],
}
# What AWS names itself, or what is no name: add-ons of EKS, actions of IAM.
AWS_OWN = {"addonname", "actionname"}
# Two words, and still known outside of AWS: Azure, Kubernetes, programs.
ORDINARY = set(
    """accesskeyid accesspointid cachepolicyid changesetid changesetname eventbusname filesystemid healthcheckid
    jobqueuename loadbalancername networkinterfaceid routetableid securitygroupid servercertificatename
    servercertificateid workgroupname knowledgebaseid jobdefinitionname deploymentgroupname deploymentconfigname
    filecacheid replicationgroupid""".split()
)
# Not the kind that the ARN's type would give, or a type that has another name than the resource.
KINDS = {
    ("rds", "DBInstance"): "RDS",
    ("rds", "DBCluster"): "RDS_CLUSTER",
    ("rds", "DBSnapshot"): "RDS_SNAPSHOT",
    ("rds", "DBClusterSnapshot"): "RDS_SNAPSHOT",
    ("rds", "DBSubnetGroup"): "RDS_GROUP",
    ("rds", "DBParameterGroup"): "RDS_GROUP",
    ("rds", "DBClusterParameterGroup"): "RDS_GROUP",
    ("rds", "DBSecurityGroup"): "RDS_GROUP",
    ("rds", "OptionGroup"): "RDS_GROUP",
    ("rds", "DBProxy"): "RDS_PROXY",
    ("elasticache", "CacheCluster"): "ELASTICACHE",
    ("elasticache", "CacheParameterGroup"): "ELASTICACHE",
    ("elasticache", "CacheSubnetGroup"): "ELASTICACHE",
    ("autoscaling", "AutoScalingGroup"): "ASG",
    ("s3", "Bucket"): "S3_BUCKET",
    ("kinesis", "Stream"): "KINESIS",
    ("sqs", "Queue"): "SQS",
    ("sns", "Topic"): "SNS",
    ("iam", "AccessKey"): "ACCESS_KEY",
    ("ec2", "Key"): "KEY_PAIR",
    ("ec2", "KeyPair"): "KEY_PAIR",
    ("codepipeline", "Pipeline"): "PIPELINE",
    ("codecommit", "Repository"): "CODECOMMIT",
    ("stepfunctions", "StateMachine"): "STATE_MACHINE",
    ("transfer", "Server"): "TRANSFER",
    ("emr", "Cluster"): "EMR",
}
# What nobody but AWS calls so, where the resource has no ARN of its own in arn.toml.
MARKS = re.compile(
    r"db(?:i|c|s|p|proxy)|vpc|acl|ipam|transitgateway|routetable|spotfleet|natgateway|internetgateway|customergateway"
    r"|cache|nodegroup|customkeystore|networkinterface|dhcpoptions|matchset|webacl|configurationset|distribution"
)
# Where services share a key, the first of these gives the kind.
FIRST = """ec2 s3 lambda iam rds dynamodb ecs ecr eks kms sns sqs logs cloudwatch events secretsmanager ssm route53
cloudfront elasticache redshift elbv2 elb autoscaling cloudformation kinesis firehose glue athena stepfunctions
cognito-idp apigateway efs emr opensearch batch codebuild codepipeline""".split()


def load(path):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        return json.load(file)


def models(data):
    """The newest model of each service."""
    for service in sorted(path for path in data.iterdir() if path.is_dir()):
        versions = sorted(service.glob("*/service-2.json*"))
        if versions:
            yield service.name, load(versions[-1])


def words(name):
    return WORD.findall(name[:1].upper() + name[1:])


def singular(noun):
    if noun.endswith("ies"):
        return noun[:-3] + "y"
    return noun[:-1] if noun.endswith("s") and not noun.endswith("ss") else noun


def resources(service, model):
    """What the operations of a service make or remove, in words."""
    nouns = set()
    for operation in model["operations"]:
        made = MAKES.match(operation)
        if made:
            nouns.update({made[1], singular(made[1])})
    nouns = {noun for noun in nouns if noun not in NO_RESOURCE}
    nouns.update(noun for of, noun in RESOURCES if of == service)
    return {tuple(words(noun)) for noun in nouns}


def noun_of(stem, nouns):
    """The longest resource with which the stem ends."""
    nouns = [noun for noun in nouns if len(noun) > 1 or noun[0] not in NO_RESOURCE or noun[0] == stem]
    parts = [part.lower() for part in words(stem)]
    for start in range(len(parts)):
        for noun in nouns:
            if [part.lower() for part in noun] == parts[start:]:
                return "".join(noun)
    return None


def members(service, model):
    """The string members that name a resource, with its name."""
    nouns = resources(service, model)
    shapes = model["shapes"]
    for shape in shapes.values():
        for member, ref in shape.get("members", {}).items():
            found = MEMBER.match(member)
            target = shapes[ref["shape"]]
            if target["type"] == "list":
                target = shapes[target["member"]["shape"]]
            if not found or target["type"] != "string" or "enum" in target:
                continue
            noun = noun_of(found[1], nouns)
            if noun:
                yield (found[1] + found[2]).lower(), noun, may_hold_spaces(target)


def may_hold_spaces(shape):
    """Does the pattern of a string allow a name of several words, and not any text? Without one, nothing is known."""
    # Unicode's classes are those of Java.
    pattern = shape.get("pattern", r"\S+").replace(r"\uD800\uDC00-\uDBFF\uDFFF", "")
    for of_unicode, letters in ((r"\p{L}", "A-Za-z"), (r"\p{Z}", r"\s"), (r"\p{N}", "0-9"), (r"\p{IsLetter}", "A-Za-z")):
        pattern = pattern.replace(of_unicode, letters)
    try:
        return bool(re.fullmatch(pattern, "My name 1")) and not re.fullmatch(pattern, "\n<>{}")
    except re.error:
        return False


def arn_kinds(own_name=False):
    """The first kind in the layout of each type of resource, or the kind of its own name, the last."""
    table = tomllib.loads((PATTERNS / "arn.toml").read_text())
    kinds = {}
    for service, types in table.items():
        for kind_of, layout in types.items():
            named = [word.strip("!*") for word in layout.split() if re.match(r"[A-Z]", word)]
            if named:
                position = -1 if own_name or layout.startswith("IAM_PATH") else 0
                kinds[service, re.sub(r"[^a-z0-9]", "", kind_of.lower())] = named[position]
    return kinds


def table(folder):
    """The kind of each key; keys of two words or more are told apart from ordinary ones."""
    data = pathlib.Path(folder) / "botocore/data"
    kinds, found, services, spaced = arn_kinds(), collections.defaultdict(dict), [], set(SPACED)
    length = collections.Counter()
    for service, model in models(data):
        services.append(service)
        meta = model["metadata"]
        prefixes = [service, meta.get("signingName"), meta["endpointPrefix"]]
        for key, noun, spaces in members(service, model):
            of_arn = (kinds.get((prefix, noun.lower())) for prefix in prefixes)
            kind = KINDS.get((service, noun)) or next(filter(None, of_arn), "RESOURCE")
            found[key][service] = kind
            length[key] = max(length[key], len(words(noun)))
            if spaces and key.endswith("name"):
                spaced.add(key)
    alone, beside = collections.defaultdict(list), collections.defaultdict(list)
    for key, by_service in sorted(found.items()):
        if key.endswith(("accountid", "sessionid")) or key in AWS_OWN:
            continue
        first = [by_service[service] for service in FIRST if service in by_service]
        known = sorted(set(by_service.values()) - {"RESOURCE"})
        kind = (first or known[:1] or ["RESOURCE"])[0]
        distinct = length[key] > 1 and key not in ORDINARY and (kind != "RESOURCE" or MARKS.search(key))
        (alone if distinct else beside)[kind].append(key)
    for key, kind in EXTRA.items():
        beside[kind].append(key)
    for kind, keys in EXTRA_ALONE.items():
        alone[kind] += [key for key in keys if key not in found]
        beside[kind] = [key for key in beside[kind] if key not in keys]
    return alone, beside, services, sorted(spaced & {key for keys in (*alone.values(), *beside.values()) for key in keys})


def wrapped(names):
    return textwrap.wrap(" ".join(names), 116, break_on_hyphens=False)


def show(name, groups):
    print(f"\n[{name}]")
    for kind, keys in sorted(groups.items()):
        print(f'{kind} = """\n' + "\n".join(wrapped(keys)) + '"""')


def main(folder):
    alone, beside, services, spaced = table(folder)
    version = next(pathlib.Path(folder).glob("botocore-*.dist-info")).name.split("-")[1]
    version = version.removesuffix(".dist")
    print("# Keys that name what a customer made, without case and separators, by the kind of their value.")
    print(f"# Made by scripts/key_names.py from the service models of botocore {version} (Apache-2.0);")
    print("# do not edit. `alone` are keys that nobody else uses, `beside` need signs of AWS near them.")
    print('\n# What follows `aws` on a command line.\nservices = """')
    print("\n".join(wrapped(services + ["s3api", "deploy", "configservice", "configure"])) + '"""')
    print('\n# Keys whose values may hold spaces.\nspaced = """')
    print("\n".join(wrapped(spaced)) + '"""')
    show("alone", alone)
    show("beside", beside)


if __name__ == "__main__":
    main(sys.argv[1])
