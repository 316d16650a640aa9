//! The catalog against its own examples, and whole texts against what must be found.

mod accounts;
mod around;
mod called;
mod code;
mod columns;
mod commands;
mod disguises;
mod edges;
mod generated;
mod given;
mod ids;
mod keys;
mod manifests;
mod names;
mod near;
mod output;
mod passwords;
mod programs;
mod published;
mod settings;
mod tables;
mod told;
mod transcripts;

use std::ops::Range;
use std::sync::LazyLock;

use super::catalog::entries;
use super::{ArnStyle, Catalog, Finding, Known, Profile, Rank, Settings};

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

fn part(text: &str, span: Range<usize>) -> &str {
    text.get(span).expect("spans are at characters")
}

/// The text with `[KIND]` where a value was.
fn shown(text: &str, label: &str) -> String {
    shown_by(&DEFAULT, text, label)
}

fn shown_by(catalog: &Catalog, text: &str, label: &str) -> String {
    let mut shown = String::new();
    let mut from = 0;
    for finding in scan(catalog, text, label) {
        shown.push_str(part(text, from..finding.span.start));
        shown.push_str(&format!("[{}]", catalog.info(finding.kind).name));
        from = finding.span.end;
    }
    shown + part(text, from..text.len())
}

/// What is found in a text that is masked already.
fn found_again(text: &str, label: &str) -> Vec<String> {
    let (mut masked, mut taken, mut from) = (String::new(), Vec::new(), 0);
    for finding in scan(&DEFAULT, text, label) {
        masked.push_str(part(text, from..finding.span.start));
        let start = masked.len();
        masked.push_str(&format!("AWS_{}_BF3K9Q2MX4TB", DEFAULT.info(finding.kind).name));
        taken.push(start..masked.len());
        from = finding.span.end;
    }
    masked.push_str(part(text, from..text.len()));
    let mut out = Vec::new();
    DEFAULT.scan(&masked, label, &taken, &mut out);
    out.into_iter().map(|finding| part(&masked, finding.span).to_owned()).collect()
}

fn check(cases: &[(&str, &str, &str)]) {
    for (label, text, _) in cases {
        assert!(found_again(text, label).is_empty(), "{text}: {:?}", found_again(text, label));
    }
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
        assert!(class.is_valid(), "{}", class.name);
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
    assert_eq!(DEFAULT.kinds().filter(|(_, info)| info.critical).count(), 9);
}

#[test]
fn context_decides() {
    const KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    let token = "Qz9x".repeat(30);
    check(&[
        ("", "account 123456789012 and 998877665544", "account [ACCOUNT] and [ACCOUNT]"),
        ("AccountId", "123456789012", "[ACCOUNT]"),
        ("", "AWS::AccountId is 123456789012", "AWS::AccountId is [ACCOUNT]"),
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
        "version 1.2.3.4 v10.11.12 Version: 8.0.33.1 >=1.10.172.16 build 2.6.32.5-x",
        "aa:bb:cc:dd:ee:ff 00:1a:2b:3c:4d:5e fd:00:ec:2a:00:01 10:02:42,123 [21/Nov/2026:10:02:42 +0000]",
        "20261121100242 1763719362123 account made at 202611211002 2026-11-21T10:02:42.123456789Z",
        "std::env::args core::fmt::Debug ::std::abc::def a::before b::after fd::close dead::beef::x",
        "a::before{margin:0 -1.5em} .i-1234 #i-abcdef0 .sg-header{color:#0a1b2c3d} .col-md-10.20{top:1.5.2}",
        "url(data:font/woff2;base64,d09GMgABAAAAAAvcABAAAAAAGCAAAAt7AAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAA)",
        "\"integrity\": \"sha512-z8d0m5b2O9McPEK1xHG/dWgUBT6EfBDz6wA0F7xSPTAN0MH8N0mX+Lp4HuXmkYfuP3Bl0sY7Sw==\"",
        "app::account::save version 1.2.3 id=981596768675 app::account took 981596768675",
        "pw_passwd: *const c_char, password: &String, passwd=&other password=0x7ffd1c2e5a40",
        "d41d8cd98f00b204e9800998ecf8427e 0123456789abcdef0123456789abcdef01234567 index 0a1b2c3..d4e5f60 100644",
        "commit 2f9eacd9d3d995c937b4251a5557d95d494c9be1 (HEAD -> main, origin/main)",
        "v1.2.3.4 Chrome/91.0.4472.124 2024-01-01T12:00:00.123456789Z 12:30:45",
        "std::collections::HashMap a::b fd::open x[1::2]",
        "version 10.4.32.1 \"version\": \"10.2.0.14\" Version=v10.1.2.3",
        "aws ecr get-login-password | docker login --username AWS --password-stdin localhost",
        "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">",
        "\"CACertificateIdentifier\": \"rds-ca-rsa2048-g1\", \"OptionGroupName\": \"default:postgres-15\"",
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
fn public_addresses_beside_a_key_or_words() {
    check(&[
        (
            "",
            "its public IP is 54.210.167.99\nversion 54.210.167.9",
            "its public IP is [PUBLIC_IP]\nversion 54.210.167.9",
        ),
        ("PublicIpAddress", "54.210.167.99", "[PUBLIC_IP]"),
        ("", "PublicIp: 54.210.167.99/32", "PublicIp: [PUBLIC_IP]/32"),
        (
            "",
            "Elastic IP 203.0.113.1 public IP 127.0.0.1",
            "Elastic IP 203.0.113.1 public IP 127.0.0.1",
        ),
        ("", "IPv6 address 2600:1f14:abc::1", "IPv6 address [PUBLIC_IP]"),
        ("Ipv6Address", "2001:db8:85a3::8a2e:370:7334", "2001:db8:85a3::8a2e:370:7334"),
        ("Version", "54.210.167.99", "54.210.167.99"),
        ("", "2600:1f14:abc::1 at 2026:10:02", "2600:1f14:abc::1 at 2026:10:02"),
    ]);
    for text in [
        "192.0.2.1",
        "198.51.100.7",
        "203.0.113.1",
        "2001:db8::1",
        "3fff:0::1",
        "127.0.0.1",
        "169.254.0.1",
    ] {
        assert!(scan(&ALL, text, "").is_empty(), "{text}");
    }
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
            known.learn(&DEFAULT, part(text, finding.span.clone()), finding.kind);
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
    let spans: Vec<_> = out.iter().map(|f| part(text, f.span.clone())).collect();
    assert_eq!(spans, ["i-0123456789abcdef0"]);
}

/// The names of the replaced system's patterns whose values have a shape or a context.
#[test]
fn nothing_of_the_old_patterns_is_lost() {
    for (text, value) in [
        ("vm i-0fedcba9876543210", "i-0fedcba9876543210"),
        ("ami-87654321", "ami-87654321"),
        ("vol-0fedcba9876543210", "vol-0fedcba9876543210"),
        ("snap-0fedcba9876543210", "snap-0fedcba9876543210"),
        ("fs-87654321", "fs-87654321"),
        ("vpc-87654321 subnet-0fedcba9876543210", "subnet-0fedcba9876543210"),
        ("igw-87654321 nat-0fedcba9876543210", "nat-0fedcba9876543210"),
        ("vpn-87654321 tgw-0fedcba9876543210", "vpn-87654321"),
        ("s3://shop-production-data/x", "shop-production-data"),
        ("210987654321.dkr.ecr.us-east-1.amazonaws.com/shop-api", "shop-api"),
        ("shop-db.c9akciq32rgi.us-east-1.rds.amazonaws.com", "shop-db"),
        ("shop-dw.abc123xyz789.us-west-2.redshift.amazonaws.com", "shop-dw"),
        ("shop-cache.abc123.0001.use1.cache.amazonaws.com", "shop-cache"),
        ("shop-cache.x9k2ab.ng.0001.euw1.cache.amazonaws.com", "shop-cache"),
        ("shop-cache.x9k2ab.cfg.apse1.cache.amazonaws.com", "shop-cache"),
        ("master.shop-cache.x9k2ab.euw1.cache.amazonaws.com", "shop-cache"),
        ("shop-cache-002.shop-cache.x9k2ab.euw1.cache.amazonaws.com", "shop-cache"),
        ("shop-cache-vk3p1.serverless.euw1.cache.amazonaws.com", "shop-cache-vk3p1"),
        ("AKIA0987654321FEDCBA", "AKIA0987654321FEDCBA"),
        ("FwoGZXIvYXdzEBIaDFwqVhGjRMOUMiV9VhokNTU2NDQ3MjA4NDY5", "FwoGZXIvYXdz"),
        ("arn:aws:batch:us-east-1:210987654321:job-queue/ShopQueue", "ShopQueue"),
        ("arn:aws:kinesis:us-east-1:210987654321:stream/ShopStream", "ShopStream"),
        ("arn:aws:es:us-east-1:210987654321:domain/shop-logs", "shop-logs"),
        ("arn:aws:states:us-east-1:210987654321:stateMachine:ShopFlow", "ShopFlow"),
        ("arn:aws:athena:us-east-1:210987654321:workgroup/ShopTeam", "ShopTeam"),
        ("arn:aws:sagemaker:us-east-1:210987654321:endpoint/shop-model", "shop-model"),
        ("arn:aws:glue:us-east-1:210987654321:job/shop-etl", "shop-etl"),
        ("arn:aws:cloudformation:us-east-1:210987654321:stack/ShopStack/x1", "ShopStack"),
        ("arn:aws:acm:us-east-1:210987654321:certificate/87654321-4321", "87654321-4321"),
        ("arn:aws:ssm:us-east-1:210987654321:parameter/ShopParameter", "ShopParameter"),
        ("arn:aws:cloudwatch:us-east-1:210987654321:alarm:ShopCPU", "ShopCPU"),
        ("arn:aws:eks:us-east-1:210987654321:cluster/ShopCluster", "ShopCluster"),
        ("arn:aws:service:region:account:thing", "thing"),
        ("/aws/lambda/ShopFunction", "ShopFunction"),
        ("KMS key 87654321-4321-4321-4321-210987654321", "87654321-4321"),
        ("Route53 zone Z0987654321CBA", "Z0987654321CBA"),
        ("CloudFront distribution E0987654321CBA", "E0987654321CBA"),
        ("account 210987654321", "210987654321"),
    ] {
        assert!(!shown(text, "").contains(value), "{text}");
    }
}

#[test]
fn words_are_read_in_their_order() {
    // The second stands free, the first behind an escape: both are found.
    let text = r#"\nAKIA2AAA2AAA22A222A2 AKIA2AAA2AAA22A222A3"#;
    let found: Vec<_> = scan(&DEFAULT, text, "").into_iter().map(|f| f.span.start).collect();
    assert_eq!(found, [2, 23]);
}
