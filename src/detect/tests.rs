//! The catalog against its own examples, and whole texts against what must be found.

use std::sync::LazyLock;

use super::catalog::entries;
use super::{Catalog, Finding, Known, Rank, Settings};

static ALL: LazyLock<Catalog> = LazyLock::new(|| {
    let settings = Settings { public_ip: true, ..Settings::default() };
    Catalog::builtin(&settings).expect("the built-in patterns are valid")
});
static DEFAULT: LazyLock<Catalog> =
    LazyLock::new(|| Catalog::builtin(&Settings::default()).expect("the patterns are valid"));

fn scan(catalog: &Catalog, text: &str, label: &str) -> Vec<Finding> {
    let mut out = Vec::new();
    catalog.scan(text, label, &[], &mut out);
    assert!(out.is_sorted_by(|a, b| a.span.end <= b.span.start), "{text}: {out:?}");
    out
}

/// The text with `[KIND]` where a value was.
fn shown(text: &str, label: &str) -> String {
    let mut shown = String::new();
    let mut from = 0;
    for finding in scan(&DEFAULT, text, label) {
        shown.push_str(&text[from..finding.span.start]);
        shown.push_str(&format!("[{}]", DEFAULT.info(finding.kind).name));
        from = finding.span.end;
    }
    shown + &text[from..]
}

fn check(cases: &[(&str, &str, &str)]) {
    let wrong: Vec<_> = cases
        .iter()
        .map(|&(label, text, want)| (text, shown(text, label), want))
        .filter(|(_, got, want)| got != want)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_class_finds_its_examples_and_no_counter_example() {
    let mut wrong = Vec::new();
    let settings = Settings::default();
    let all = entries(&settings).expect("valid");
    assert!(all.len() > 190, "{}", all.len());
    for (class, (_, entry)) in ALL.classes.iter().zip(&all) {
        assert_eq!(*class.name, *entry.name);
        assert!(!entry.examples.is_empty() && !entry.source.is_empty() && entry.since > 0);
        let kinds: Vec<_> = match &entry.kind {
            Some(kind) => vec![kind.clone()],
            None => {
                let parts = entry.expression.split("(?P<").skip(1);
                parts.map(|p| p.split(['>', '_']).next().unwrap().to_owned()).collect()
            }
        };
        let of_class = |f: &Finding| {
            let name = &*ALL.info(f.kind).name;
            kinds.iter().any(|kind| name.starts_with(kind.as_str()))
        };
        for example in &entry.examples {
            if !scan(&ALL, example, "").iter().any(of_class) {
                wrong.push(format!("{}: not found: {example}", entry.name));
            }
        }
        for example in &entry.counter_examples {
            if scan(&ALL, example, "").iter().any(of_class) {
                wrong.push(format!("{}: found: {example}", entry.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn kinds_fit_the_grammar_of_placeholders() {
    const SYMBOLS: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    for (kind, info) in DEFAULT.kinds() {
        let name = &*info.name;
        assert!(name.len() <= 20 && name.starts_with(|c: char| c.is_ascii_uppercase()), "{name}");
        let of_kind = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        assert!(name.chars().all(of_kind), "{name}");
        let tag = |part: &str| part.len() == 12 && part.chars().all(|c| SYMBOLS.contains(c));
        assert!(!name.split('_').any(tag), "{name} has a part that looks like a tag");
        assert_eq!(DEFAULT.kind(name), Some(kind));
    }
    for name in [
        "ACCESS_KEY",
        "SECRET_KEY",
        "KMS",
        "SECRET",
        "DB_PASSWORD",
        "PRIVATE_KEY",
        "ACCOUNT",
        "ACCOUNT_NUMBER",
    ] {
        let kind = DEFAULT.kind(name).expect(name);
        assert!(DEFAULT.info(kind).critical, "{name}");
    }
    assert_eq!(DEFAULT.kinds().filter(|(_, info)| info.critical).count(), 8);
}

#[test]
fn ids_with_hyphens() {
    check(&[
        ("", "i-0123456789abcdef0, sg-12345678.", "[EC2], [SG]."),
        ("", "vai-0123456789abcdef0 import-ami-0123456789abcdef0", "[VA_INSTANCE] [IMPORT_TASK]"),
        ("", "tgw-attach-0123456789abcdef0", "[TGW_ATTACH]"),
        ("", "prod-vpc-0123456789abcdef0-x tf_i-0123456789abcdef0", "prod-[VPC]-x tf_[EC2]"),
        ("", "prod-sg-12345678 x_sg-12345678", "prod-sg-12345678 x_sg-12345678"),
        ("", "xi-0123456789abcdef0x", "xi-0123456789abcdef0x"),
        ("", "i-0123456789abcdef01 i-0123456789abcdef", "i-0123456789abcdef01 i-0123456789abcdef"),
        ("", "thing-0123456789abcdef0 build-20240101120000123", "[ID] build-20240101120000123"),
        ("", "sfr-73fbd2ce-aa30-494c-8788-1cee4abcdef0", "[SPOT_FLEET]"),
        ("", "sg-73fbd2ce-aa30-494c-8788-1cee4abcdef0", "sg-73fbd2ce-aa30-494c-8788-1cee4abcdef0"),
        ("", "us-east-1_AbCdEf123 us-east-1a us-east-1", "[USER_POOL] us-east-1a us-east-1"),
        (
            "",
            "sg-web i-th e-commerce ps-aux d-block p-value ou-est o-matic",
            "sg-web i-th e-commerce ps-aux d-block p-value ou-est o-matic",
        ),
    ]);
}

#[test]
fn escapes_do_not_hide() {
    check(&[
        ("", "\\ni-0123456789abcdef0\\\\nAKIAIOSFODNN7EXAMPLE", "\\n[EC2]\\\\n[ACCESS_KEY]"),
        ("", "\\nmy-data.s3.amazonaws.com/x", "\\n[S3_BUCKET].s3.amazonaws.com/x"),
        ("", "\u{1b}[32mi-0123456789abcdef0\u{1b}[0m", "\u{1b}[32m[EC2]\u{1b}[0m"),
        ("", r"\u001b[32mi-0123456789abcdef0\u001b[0m", r"\u001b[32m[EC2]\u001b[0m"),
        ("", r#"{\"a\":\"\u0069-0123456789abcdef0\"}"#, r#"{\"a\":\"[EC2]\"}"#),
        ("", r"\\u0069-0123456789\\u0061bcdef0", "[EC2]"),
        ("", r"i\\\\u002d0123456789abcdef0", "[EC2]"),
        (
            "",
            r"arn:aws:iam::123456789012:role\/app\/MyRole",
            r"arn:aws:iam::[ACCOUNT]:role\/[IAM_PATH]\/[IAM_ROLE]",
        ),
        (
            "",
            r"https:\/\/sqs.us-east-1.amazonaws.com\/123456789012\/My_Q",
            r"https:\/\/sqs.us-east-1.amazonaws.com\/[ACCOUNT]\/[SQS]",
        ),
        (
            "",
            "arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2FMyRole",
            "arn%3Aaws%3Aiam%3A%3A[ACCOUNT]%3Arole%2F[IAM_ROLE]",
        ),
        ("", "q=%2Fi-0123456789abcdef0%26", "q=%2F[EC2]%26"),
    ]);
}

#[test]
fn arns_keep_their_shape() {
    check(&[
        ("", "arn:aws:iam::123456789012:user/alice.", "arn:aws:iam::[ACCOUNT]:user/[IAM_USER]."),
        (
            "",
            "arn:aws-us-gov:iam::123456789012:role/a/b/My_Role",
            "arn:aws-us-gov:iam::[ACCOUNT]:role/[IAM_PATH]/[IAM_PATH]/[IAM_ROLE]",
        ),
        ("", "arn:aws:iam::123456789012:root", "arn:aws:iam::[ACCOUNT]:root"),
        (
            "",
            "arn:aws:iam::aws:policy/AdministratorAccess",
            "arn:aws:iam::aws:policy/AdministratorAccess",
        ),
        (
            "",
            "arn:aws:iam::123456789012:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX",
            "arn:aws:iam::[ACCOUNT]:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX",
        ),
        (
            "",
            "arn:aws:sts::123456789012:assumed-role/Admin/bob@corp.com",
            "arn:aws:sts::[ACCOUNT]:assumed-role/[IAM_ROLE]/[SESSION]",
        ),
        (
            "",
            "arn:aws:lambda:us-east-1:123456789012:function:fn:$LATEST",
            "arn:aws:lambda:us-east-1:[ACCOUNT]:function:[LAMBDA]:$LATEST",
        ),
        (
            "",
            "arn:aws:lambda:us-east-1:123456789012:layer:lib:7",
            "arn:aws:lambda:us-east-1:[ACCOUNT]:layer:[LAMBDA_LAYER]:7",
        ),
        (
            "",
            "arn:aws:s3:::prod-data/a/b.json arn:aws:s3:::*",
            "arn:aws:s3:::[S3_BUCKET]/a/b.json arn:aws:s3:::*",
        ),
        ("", "\"arn:aws:s3:::${Bucket}/*\"", "\"arn:aws:s3:::${Bucket}/*\""),
        ("", "arn:aws:s3:::prod-data-*", "arn:aws:s3:::[S3_BUCKET]-*"),
        (
            "",
            "arn:aws:dynamodb:us-east-1:123456789012:table/Users/index/by-mail",
            "arn:aws:dynamodb:us-east-1:[ACCOUNT]:table/[DYNAMODB]/index/[DYNAMODB_PART]",
        ),
        (
            "",
            "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-AbCdEf",
            "arn:aws:secretsmanager:us-east-1:[ACCOUNT]:secret:[SECRET]-AbCdEf",
        ),
        (
            "",
            "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            "arn:aws:kms:us-east-1:[ACCOUNT]:key/[KMS]",
        ),
        (
            "",
            "arn:aws:kms:us-east-1:123456789012:alias/aws/s3",
            "arn:aws:kms:us-east-1:[ACCOUNT]:alias/aws/s3",
        ),
        (
            "",
            "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/fn-1:*",
            "arn:aws:logs:us-east-1:[ACCOUNT]:log-group:/aws/lambda/[LAMBDA]:*",
        ),
        (
            "",
            "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/my-alb/50dc6c495c0c9188",
            "arn:aws:elasticloadbalancing:us-east-1:[ACCOUNT]:loadbalancer/app/[ELB]/[ELB]",
        ),
        (
            "",
            "arn:aws:ecs:us-east-1:123456789012:task/prod/1dc5c17a422b4dc4b493371970c6c4d6",
            "arn:aws:ecs:us-east-1:[ACCOUNT]:task/[ECS_CLUSTER]/[ECS_TASK]",
        ),
        (
            "",
            "arn:aws:ecs:us-east-1:123456789012:task/1dc5c17a422b4dc4b493371970c6c4d6",
            "arn:aws:ecs:us-east-1:[ACCOUNT]:task/[ECS_TASK]",
        ),
        (
            "",
            "arn:aws:ec2:us-east-1:123456789012:instance/i-0123456789abcdef0",
            "arn:aws:ec2:us-east-1:[ACCOUNT]:instance/[EC2]",
        ),
        (
            "",
            "arn:aws:apigateway:us-west-2::/restapis/a1b2c3d4e5/stages/prod",
            "arn:aws:apigateway:us-west-2::/restapis/[API]/stages/prod",
        ),
        (
            "",
            "arn:aws:sns:us-east-1:123456789012:MyTopic,",
            "arn:aws:sns:us-east-1:[ACCOUNT]:[SNS],",
        ),
        (
            "",
            "(arn:aws:codecommit:us-east-1:123456789012:MyRepo)",
            "(arn:aws:codecommit:us-east-1:[ACCOUNT]:[CODECOMMIT])",
        ),
        ("", "arn:aws:states:::lambda:invoke", "arn:aws:states:::lambda:invoke"),
        (
            "",
            "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-v2",
            "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-v2",
        ),
        (
            "",
            "arn:aws:ssm:us-east-1::parameter/aws/service/ami-x",
            "arn:aws:ssm:us-east-1::parameter/aws/service/ami-x",
        ),
        (
            "",
            "arn:aws:newthing:us-east-1:123456789012:widget/blue-1",
            "arn:aws:newthing:us-east-1:[ACCOUNT]:widget/[RESOURCE]",
        ),
        ("", "arn:aws:iam::{account}:role/<role-name>", "arn:aws:iam::{account}:role/<role-name>"),
        ("", "arn:aws:iam::$ACCOUNT:role/$ROLE", "arn:aws:iam::$ACCOUNT:role/$ROLE"),
        ("", "learn:aws:x:y:z arn:aws:iam", "learn:aws:x:y:z arn:aws:iam"),
        (
            "",
            "arn:aws:iam::123456789012:oidc-provider/oidc.eks.us-west-2.amazonaws.com/id/A0DCCD80A04F01705DD065655C30CC3D",
            "arn:aws:iam::[ACCOUNT]:oidc-provider/oidc.eks.us-west-2.amazonaws.com/id/[EKS_ENDPOINT]",
        ),
        (
            "",
            "arn:aws:lambda:us-east-1:123456789012:function:x-vpc-0123456789abcdef0-y",
            "arn:aws:lambda:us-east-1:[ACCOUNT]:function:[LAMBDA]-[VPC]-[LAMBDA]",
        ),
    ]);
}

#[test]
fn hosts_and_uris_keep_their_shape() {
    check(&[
        ("", "s3://my-bucket-1/a/b.parquet", "s3://[S3_BUCKET]/a/b.parquet"),
        (
            "",
            "https://my.bucket.s3.eu-west-1.amazonaws.com/k",
            "https://[S3_BUCKET].s3.eu-west-1.amazonaws.com/k",
        ),
        (
            "",
            "https://s3.us-west-2.amazonaws.com/bkt-1/k",
            "https://s3.us-west-2.amazonaws.com/[S3_BUCKET]/k",
        ),
        (
            "",
            "ap1-123456789012.s3-accesspoint.us-west-2.amazonaws.com",
            "[S3_ACCESS_POINT]-[ACCOUNT].s3-accesspoint.us-west-2.amazonaws.com",
        ),
        (
            "",
            "mydb.cluster-ro-c9akciq32rgi.us-east-1.rds.amazonaws.com:5432",
            "[RDS].cluster-ro-[RDS_DOMAIN].us-east-1.rds.amazonaws.com:5432",
        ),
        (
            "",
            "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/api:1.2",
            "[ACCOUNT].dkr.ecr.us-east-1.amazonaws.com/[ECR_REPO]:1.2",
        ),
        (
            "",
            "https://sqs.us-east-1.amazonaws.com/123456789012/MyQueue",
            "https://sqs.us-east-1.amazonaws.com/[ACCOUNT]/[SQS]",
        ),
        (
            "",
            "ip-10-0-1-5.ec2.internal ec2-203-0-113-25.compute-1.amazonaws.com",
            "[EC2_HOST].ec2.internal [EC2_HOST].compute-1.amazonaws.com",
        ),
        (
            "",
            "abcd123456.execute-api.us-east-1.amazonaws.com/prod",
            "[API].execute-api.us-east-1.amazonaws.com/prod",
        ),
        (
            "",
            "internal-app-1234567890.us-west-2.elb.amazonaws.com",
            "internal-[ELB].us-west-2.elb.amazonaws.com",
        ),
        (
            "",
            "vpce-0123456789abcdef0-abcd1234.s3.us-east-1.vpce.amazonaws.com",
            "[VPC_ENDPOINT]-[VPCE_DNS].s3.us-east-1.vpce.amazonaws.com",
        ),
        (
            "",
            "ec2.us-east-1.amazonaws.com lambda.amazonaws.com s3.amazonaws.com us-east-1.signin.aws.amazon.com",
            "ec2.us-east-1.amazonaws.com lambda.amazonaws.com s3.amazonaws.com us-east-1.signin.aws.amazon.com",
        ),
        (
            "",
            "postgres://app:s3cr3t@db:5432/x https://h:80/@a",
            "postgres://app:[DB_PASSWORD]@db:5432/x https://h:80/@a",
        ),
    ]);
}

#[test]
fn context_decides() {
    const KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    let token = "Qz9x".repeat(30);
    check(&[
        ("", "account 123456789012 and 998877665544", "account [ACCOUNT] and [ACCOUNT]"),
        ("AccountId", "123456789012", "[ACCOUNT]"),
        ("timestamp", "202401011200", "202401011200"),
        ("", "\"OwnerId\": \"123456789012\"", "\"OwnerId\": \"[ACCOUNT]\""),
        ("", "AWS_ACCOUNT_ID=1234-5678-9012", "AWS_ACCOUNT_ID=[ACCOUNT]"),
        ("", "size 123456789012 bytes", "size 123456789012 bytes"),
        ("", "account made 202401011200", "account made 202401011200"),
        ("", &format!("aws_secret_access_key = {KEY}"), "aws_secret_access_key = [SECRET_KEY]"),
        ("", &format!("AKIAIOSFODNN7EXAMPLE\n{KEY}"), "[ACCESS_KEY]\n[SECRET_KEY]"),
        ("", KEY, KEY),
        (
            "",
            "secret 2f9eacd9d3d995c937b4251a5557d95d494c9be1",
            "secret 2f9eacd9d3d995c937b4251a5557d95d494c9be1",
        ),
        ("", &format!("session_token: {token}"), "session_token: [SESSION_TOKEN]"),
        ("", "KmsKeyId: 1234abcd-12ab-34cd-56ef-1234567890ab", "KmsKeyId: [KMS]"),
        ("", "--kms-key-id 1234abcd-12ab-34cd-56ef-1234567890ab", "--kms-key-id [KMS]"),
        (
            "",
            "request 1234abcd-12ab-34cd-56ef-1234567890ab",
            "request 1234abcd-12ab-34cd-56ef-1234567890ab",
        ),
        ("HostedZoneId", "Z1234567890ABC", "[HOSTED_ZONE]"),
        ("", "distribution E1234567890ABC", "distribution [CLOUDFRONT]"),
        ("", "zone ZEROCOPYBUFFER", "zone ZEROCOPYBUFFER"),
        ("MasterUserPassword", "Tr0ub4dor&3", "[DB_PASSWORD]"),
        ("", "PGPASSWORD=hunter22 psql", "PGPASSWORD=[DB_PASSWORD] psql"),
        ("", "{\\\"password\\\": \\\"hunter22\\\"}", "{\\\"password\\\": \\\"[DB_PASSWORD]\\\"}"),
        (
            "",
            "password: str, password = os.environ[\"DB_PASSWORD\"]",
            "password: str, password = os.environ[\"DB_PASSWORD\"]",
        ),
        (
            "",
            "password=${DB_PASSWORD} password: \"Password is required\"",
            "password=${DB_PASSWORD} password: \"Password is required\"",
        ),
    ]);
    assert!(DEFAULT.account_number("ownerId", "123456789012"));
    assert!(!DEFAULT.account_number("size", "123456789012"));
    assert!(!DEFAULT.account_number("ownerId", "12345678901"));
}

#[test]
fn ordinary_text_comes_through() {
    for text in [
        "commit 2f9eacd9d3d995c937b4251a5557d95d494c9be1 (HEAD -> main, origin/main)",
        "v1.2.3.4 Chrome/91.0.4472.124 2024-01-01T12:00:00.123456789Z 12:30:45",
        "std::collections::HashMap a::b fd::open x[1::2]",
        "127.0.0.1:8080 0.0.0.0/0 169.254.169.254 1.2.3.4 10.2.3",
        "request 550e8400-e29b-41d4-a716-446655440000 took 12ms",
        "task-abcdefghijklmnopqrstuvwxyz0123456789 disk-full risk-based",
        "fn main() { let account = Account::new(); }",
        "./aws/lambda/index.js src/aws/lambda/handler.py https://docs.aws.amazon.com/s3/",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "AKIA ASIAN AROARING Europe/Berlin EXPERIMENTAL_FLAG ZEBRA",
    ] {
        assert_eq!(shown(text, ""), text);
    }
}

#[test]
fn addresses_by_setting() {
    let text = "10.0.1.5/16 172.31.0.1 192.168.1.300 8.8.8.8 fd00:ec2::253 2600:1f14:abc::1";
    assert_eq!(
        shown(text, ""),
        "[PRIVATE_IP]/16 [PRIVATE_IP] 192.168.1.300 8.8.8.8 [PRIVATE_IP] 2600:1f14:abc::1"
    );
    assert_eq!(scan(&ALL, text, "").len(), 5);
    let off = Settings { private_ip: false, ..Settings::default() };
    let off = Catalog::builtin(&off).expect("valid");
    assert!(scan(&off, text, "").is_empty());
}

#[test]
fn families_can_be_switched_off() {
    let settings =
        |name: &str| Settings { families_off: vec![name.to_owned()], ..Settings::default() };
    let off = Catalog::builtin(&settings("ec2_vpc")).expect("valid");
    assert!(off.classes() < DEFAULT.classes());
    assert!(Catalog::builtin(&settings("nothing")).is_err());
}

#[test]
fn structure_and_context_teach() {
    let text = "arn:aws:iam::123456789012:role/MyRole s3://my-bucket/x i-0123456789abcdef0";
    let mut known = Known::default();
    for finding in scan(&DEFAULT, text, "") {
        assert_eq!(finding.teach, finding.rank != Rank::Shape);
        if finding.teach {
            known.learn(&text[finding.span.clone()], finding.kind);
        }
    }
    for name in ["123456789012", "MyRole", "my-bucket"] {
        assert!(known.contains(name).is_some(), "{name}");
    }
}

#[test]
fn what_is_taken_is_never_touched() {
    let text =
        "arn:aws:iam::AWS_ACCOUNT_BF3K9Q2MX4TB:role/AWS_IAM_ROLE_BF3K9Q2MX4TB i-0123456789abcdef0";
    let taken = [13..37, 43..68];
    let mut out = Vec::new();
    DEFAULT.scan(text, "", &taken, &mut out);
    let spans: Vec<_> = out.iter().map(|f| &text[f.span.clone()]).collect();
    assert_eq!(spans, ["i-0123456789abcdef0"]);
}
