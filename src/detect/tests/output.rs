//! Names in what AWS and its tools print.

use super::check;

#[test]
fn resources_of_terraform() {
    check(&[
        (
            "",
            "aws_s3_bucket.raw: Refreshing state... [id=acme-ledger-raw-eu]\nmodule.a.aws_db_instance.x[\"a\"]: Still destroying... [id=ledger, 10s elapsed]",
            "aws_s3_bucket.raw: Refreshing state... [id=[S3_BUCKET]]\nmodule.a.aws_db_instance.x[\"a\"]: Still destroying... [id=[RDS], 10s elapsed]",
        ),
        (
            "",
            "\u{1b}[0m\u{1b}[1maws_lambda_function.api: Creation complete after 12s [id=ledger-api]",
            "\u{1b}[0m\u{1b}[1maws_lambda_function.api: Creation complete after 12s [id=[LAMBDA]]",
        ),
        (
            "",
            "data.aws_caller_identity.current: Read complete after 0s [id=481726350914]",
            "data.aws_caller_identity.current: Read complete after 0s [id=[ACCOUNT]]",
        ),
        (
            "",
            "$ terraform import -lock=false 'aws_s3_bucket.raw[0]' acme-ledger-raw-eu\n",
            "$ terraform import -lock=false 'aws_s3_bucket.raw[0]' [S3_BUCKET]\n",
        ),
    ]);
    for text in [
        "aws_s3_object.page: Refreshing state... [id=index.html]",
        "aws_s3_bucket.raw: Refreshing state...\n[id=x-y]",
        "aws_s3_bucket.raw and acme-raw-eu",
        "bucket = aws_s3_bucket.raw.id",
        "data.aws_region.current: Read complete after 0s [id=eu-west-1]",
        "terraform import aws_s3_bucket.raw $BUCKET",
        "terraform import aws_s3_bucket.raw <bucket-name>",
        "import aws_s3_bucket",
    ] {
        check(&[("", text, text)]);
    }
}

#[test]
fn lists_of_services() {
    check(&[
        (
            "",
            r#"{"Buckets":[{"Name":"acme-ledger-raw-eu","CreationDate":"2024-05-14T10:11:12+00:00"},{"Name":"reports","CreationDate":"x"}],"Owner":{}}"#,
            r#"{"Buckets":[{"Name":"[S3_BUCKET]","CreationDate":"2024-05-14T10:11:12+00:00"},{"Name":"[S3_BUCKET]","CreationDate":"x"}],"Owner":{}}"#,
        ),
        (
            "",
            "{\n    \"Buckets\": [\n        {\n            \"Name\": \"acme-raw\",\n            \"CreationDate\": \"x\"\n        },\n        {\n            \"Name\": \"acme-logs\",\n            \"CreationDate\": \"x\"\n        }\n    ]\n}",
            "{\n    \"Buckets\": [\n        {\n            \"Name\": \"[S3_BUCKET]\",\n            \"CreationDate\": \"x\"\n        },\n        {\n            \"Name\": \"[S3_BUCKET]\",\n            \"CreationDate\": \"x\"\n        }\n    ]\n}",
        ),
        (
            "",
            "<ListAllMyBucketsResult><Buckets><Bucket><Name>acme-ledger-raw-eu</Name><CreationDate>x</CreationDate></Bucket></Buckets>",
            "<ListAllMyBucketsResult><Buckets><Bucket><Name>[S3_BUCKET]</Name><CreationDate>x</CreationDate></Bucket></Buckets>",
        ),
        (
            "",
            "$ aws eks list-clusters\n{\n  \"clusters\": [\n    \"ledger-prod-eks\",\n    \"test\"\n  ]\n}",
            "$ aws eks list-clusters\n{\n  \"clusters\": [\n    \"[EKS_CLUSTER]\",\n    \"[EKS_CLUSTER]\"\n  ]\n}",
        ),
        ("", r#"{"clusters":["ledger-prod-eks"]}"#, r#"{"clusters":["[EKS_CLUSTER]"]}"#),
    ]);
    for text in [
        r#"{"Buckets":[{"Name":"acme-raw","Size":1}]}"#,
        r#"{"Buckets":[{"Name":"Acme Raw","CreationDate":1}]}"#,
        r#"{"Names":[{"Name":"acme-raw","CreationDate":1}]}"#,
        r#"{"clusters":["ledger-prod-eks"],"users":["a-b"]}"#,
        r#"{"a": 1, "clusters":["ledger-prod-eks"]}"#,
        r#"{"clusters":[{"name":"a-b"}]}"#,
        r#"{"clusters":["test"]}"#,
    ] {
        check(&[("", text, text)]);
    }
}

#[test]
fn errors_of_services() {
    check(&[
        (
            "",
            "The role with name LedgerWorker cannot be found. DBInstance ledger-stage not found.",
            "The role with name [IAM_ROLE] cannot be found. DBInstance [RDS] not found.",
        ),
        (
            "",
            "No cluster found for name: ledger. Requested resource not found: Table: ledger-locks not found",
            "No cluster found for name: [EKS_CLUSTER]. Requested resource not found: Table: [DYNAMODB] not found",
        ),
        (
            "",
            "The key pair 'ledger-ops' does not exist\nStream ledger-ev under account 481726350914 not found",
            "The key pair '[KEY_PAIR]' does not exist\nStream [KINESIS] under account [ACCOUNT] not found",
        ),
        (
            "",
            "Error: reading S3 Bucket (acme-ledger-raw-eu): Forbidden",
            "Error: reading S3 Bucket ([S3_BUCKET]): Forbidden",
        ),
        (
            "",
            "[s3.Bucket(name='acme-raw'), dynamodb.Table(name='ledger')]",
            "[s3.Bucket(name='[S3_BUCKET]'), dynamodb.Table(name='[DYNAMODB]')]",
        ),
        (
            "",
            "  dynamodb_table = \"ledger-locks\"\n  iam_instance_profile: ledger-web\n",
            "  dynamodb_table = \"[DYNAMODB]\"\n  iam_instance_profile: [IAM_PROFILE]\n",
        ),
        ("", "AWS_S3_BUCKET_NAME=acme-raw\n", "AWS_S3_BUCKET_NAME=[S3_BUCKET]\n"),
    ]);
    for text in [
        "The role with name is not found, DBInstance was not found",
        "S3 Bucket (raw): cheap, S3 Bucket (server-side, eu): x",
        "dynamodb_table = var.locks, iam_instance_profile = aws_iam_instance_profile.web-x.name\n",
        "iam_instance_profile: Optional[str] = None\niam_instance_profile: profile\n",
        "s3.Bucket(name=raw_bucket) s3.Bucket(name='string')",
        "The key pair '{name}' does not exist",
    ] {
        check(&[("", text, text)]);
    }
}

#[test]
fn pages_of_the_console() {
    check(&[
        (
            "",
            "https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/ledger/services/ledger-api/health?region=eu-west-1",
            "https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/[ECS_CLUSTER]/services/[ECS_SERVICE]/health?region=eu-west-1",
        ),
        (
            "",
            "https://s3.console.aws.amazon.com/s3/buckets/acme-raw?region=eu-west-1, https://eu-west-1.console.aws.amazon.com/lambda/home?region=eu-west-1#/functions/ledger-api",
            "https://s3.console.aws.amazon.com/s3/buckets/[S3_BUCKET]?region=eu-west-1, https://eu-west-1.console.aws.amazon.com/lambda/home?region=eu-west-1#/functions/[LAMBDA]",
        ),
        (
            "",
            "#logsV2:log-groups/log-group/$252Faws$252Flambda$252Fledger-api/log-events",
            "#logsV2:log-groups/log-group/$252Faws$252Flambda$252F[LAMBDA]/log-events",
        ),
        ("", "the EKS cluster ledger-prod2 is up", "the EKS cluster [EKS_CLUSTER] is up"),
    ]);
    for text in [
        "https://s3.console.aws.amazon.com/s3/buckets?region=eu-west-1",
        "src/s3/buckets/acme-raw /ecs/v2/clusters/ledger-prod",
        "EKS cluster auto-scaling ECS service-linked DynamoDB table per-request",
    ] {
        check(&[("", text, text)]);
    }
}

#[test]
fn resources_in_the_source_of_terraform() {
    check(&[
        (
            "",
            "resource \"aws_sqs_queue\" \"q\" {\n  name = \"ledgerv\"\n  tags = {\n    name = \"web\"\n  }\n}\nname = \"x\"",
            "resource \"aws_sqs_queue\" \"q\" {\n  name = \"[SQS]\"\n  tags = {\n    name = \"web\"\n  }\n}\nname = \"x\"",
        ),
        (
            "",
            r#"{\"x\":\"resource \\\"aws_dynamodb_table\\\" \\\"t\\\" {\\n  name = \\\"ledgerv\\\"\\n}\"}"#,
            r#"{\"x\":\"resource \\\"aws_dynamodb_table\\\" \\\"t\\\" {\\n  name = \\\"[DYNAMODB]\\\"\\n}\"}"#,
        ),
        (
            "",
            "# aws_db_instance.main will be created\n+ resource \"aws_db_instance\" \"main\" {\n    + identifier = \"core\"\n    + name = var.name\n}",
            "# aws_db_instance.main will be created\n+ resource \"aws_db_instance\" \"main\" {\n    + identifier = \"[RDS]\"\n    + name = var.name\n}",
        ),
    ]);
}

#[test]
fn what_aws_manages_stays() {
    for text in [
        "{\"PolicyName\":\"AdministratorAccess\",\"PolicyArn\":\"arn:aws:iam::aws:policy/AdministratorAccess\"}",
        "{\"PolicyName\": \"AmazonS3ReadOnlyAccess\"}",
        "\"RoleName\": \"AWSServiceRoleForAutoScaling\"",
    ] {
        check(&[("", text, text)]);
    }
    check(&[
        (
            "",
            "\"Principal\": {\"AWS\": \"481516234299\"}",
            "\"Principal\": {\"AWS\": \"[ACCOUNT]\"}",
        ),
        (
            "",
            "cdk bootstrap aws://481516234299/eu-west-1",
            "cdk bootstrap aws://[ACCOUNT]/eu-west-1",
        ),
    ]);
}

#[test]
fn what_kubectl_describes() {
    check(&[
        (
            "",
            "DB_PASSWORD:\n----\ngT7pQ2vX9mK4\n\nLEVEL:\n----\ninfo2\n",
            "DB_PASSWORD:\n----\n[DB_PASSWORD]\n\nLEVEL:\n----\ninfo2\n",
        ),
        ("", "S3_BUCKET:\n----\nacme-raw\n", "S3_BUCKET:\n----\n[S3_BUCKET]\n"),
    ]);
}

#[test]
fn resources_in_a_state() {
    check(&[
        (
            "",
            r#"{"type": "aws_sqs_queue", "name": "in", "values": {"x": {"name": "a-1"}, "name": "jobs-2"}}"#,
            r#"{"type": "aws_sqs_queue", "name": "in", "values": {"x": {"name": "a-1"}, "name": "[SQS]"}}"#,
        ),
        (
            "",
            r#"{"type":"aws_ecs_cluster","instances":[{"attributes":{"name":"core-2"}}]}"#,
            r#"{"type":"aws_ecs_cluster","instances":[{"attributes":{"name":"[ECS_CLUSTER]"}}]}"#,
        ),
        (
            "",
            r#"{"type":"aws_x","values":{"name":"a-1"}},{"type":"other","values":{"name":"jobs-2"}}"#,
            r#"{"type":"aws_x","values":{"name":"a-1"}},{"type":"other","values":{"name":"jobs-2"}}"#,
        ),
        (
            "",
            r#"{"type":"aws_sqs_queue"},{"type":"other","values":{"name":"jobs-2"}}"#,
            r#"{"type":"aws_sqs_queue"},{"type":"other","values":{"name":"jobs-2"}}"#,
        ),
        (
            "",
            "resource \"aws_db_instance\" \"x\" {\n  ~ identifier = \"one-1\" -> \"two-2\"\n}",
            "resource \"aws_db_instance\" \"x\" {\n  ~ identifier = \"[RDS]\" -> \"[RDS]\"\n}",
        ),
    ]);
}
