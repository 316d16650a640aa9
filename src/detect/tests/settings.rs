//! What the settings change.

use super::{ArnStyle, Catalog, Profile, Settings, shown, shown_by};

fn check(settings: &Settings, cases: &[(&str, &str)]) {
    let catalog = Catalog::builtin(settings).expect("the patterns are valid");
    let shown = |&(text, want)| (shown_by(&catalog, text, ""), want);
    let wrong: Vec<_> = cases.iter().map(shown).filter(|(got, want)| got != want).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn arns_are_masked_whole_if_that_is_wanted() {
    check(
        &Settings { arn_style: ArnStyle::Whole, ..Settings::default() },
        &[
            ("see arn:aws:s3:::acme-data/raw/x.gz.", "see [S3_BUCKET_ARN]."),
            (
                "arn:aws:iam::123456789012:role/deployer, arn:aws:sns:eu-west-1:123456789012:orders",
                "[IAM_ROLE_ARN], [SNS_ARN]",
            ),
            (
                r"https:\/\/x?a=arn%3Aaws%3Asqs%3Aeu-west-1%3A123456789012%3Ajobs",
                r"https:\/\/x?a=[SQS_ARN]",
            ),
            // AWS's own, and what a policy needs.
            ("arn:aws:iam::aws:policy/ReadOnlyAccess", "arn:aws:iam::aws:policy/ReadOnlyAccess"),
            ("arn:aws:s3:::acme-data/*", "arn:aws:s3:::[S3_BUCKET]/*"),
            ("arn:aws:ec2:*:123456789012:instance/*", "arn:aws:ec2:*:[ACCOUNT]:instance/*"),
            (
                "arn:aws:iam::${AWS::AccountId}:role/deployer",
                "arn:aws:iam::${AWS::AccountId}:role/[IAM_ROLE]",
            ),
            ("arn:aws:unheard:eu-west-1:123456789012:thing/one", "[RESOURCE_ARN]"),
        ],
    );
}

#[test]
fn the_strict_profile_masks_bare_shapes() {
    let cases = [
        ("123456789012 1234-5678-9012", "[ACCOUNT] [ACCOUNT]"),
        ("Z1234567890ABC E1234567890ABC", "[HOSTED_ZONE] [CLOUDFRONT]"),
        ("54.239.28.85 2600:1f18::1", "[PUBLIC_IP] [PUBLIC_IP]"),
        ("12345678-1234-1234-1234-123456789012", "[ID]"),
        (r"use production-mysql-db\nmy-app-logs", r"use [RESOURCE]\n[RESOURCE]"),
        ("my.bucket.with.dots bucket-1", "[S3_BUCKET] [RESOURCE]"),
        // Surer findings first; nothing of them is read again.
        ("arn:aws:s3:::prod-db-dumps", "arn:aws:s3:::[S3_BUCKET]"),
        ("AWS_EC2_BF3K9Q2MX4TB-prod", "AWS_EC2_BF3K9Q2MX4TB-prod"),
        (
            "the database of user_name in a_db, data.bucket",
            "the database of user_name in a_db, data.bucket",
        ),
        ("127.0.0.1 10.1.2.3", "127.0.0.1 [PRIVATE_IP]"),
    ];
    check(&Settings { profile: Profile::Strict, ..Settings::default() }, &cases);
}

#[test]
fn each_family_can_be_left_alone() {
    let off =
        |family: &str| Settings { families_off: vec![family.to_owned()], ..Settings::default() };
    for (family, text, others) in [
        ("arn", "arn:aws:iam::123456789012:role/deployer", "i-0123456789abcdef0"),
        ("context", "account 123456789012, password=hunter2!x", "arn:aws:s3:::acme-data"),
        ("context", "STRIPE_KEY=gT7pQ2vX9mK4pL8sW3aaBB", "arn:aws:s3:::acme-data"),
        ("keys", "\"DBInstanceIdentifier\": \"orders\"", "account 123456789012"),
        ("keys", "S3_BUCKET=acme-raw", "account 123456789012"),
        ("hosts", "b1x.s3.eu-west-1.amazonaws.com", "account 123456789012"),
        ("prose", "the S3 bucket my-data", "account 123456789012"),
        ("network", "10.1.2.3", "account 123456789012"),
    ] {
        let catalog = Catalog::builtin(&off(family)).unwrap();
        assert_ne!(shown(text, ""), text, "{family}");
        assert_eq!(shown_by(&catalog, text, ""), text, "{family}");
        assert_ne!(shown_by(&catalog, others, ""), others, "{family}");
        let listed = catalog.patterns().unwrap();
        assert!(listed.iter().all(|pattern| pattern.family != family), "{family}");
    }
}

#[test]
fn families_that_are_off_are_off_in_the_strict_profile_too() {
    let families_off = vec!["context".to_owned()];
    let settings = Settings { families_off, profile: Profile::Strict, ..Settings::default() };
    check(&settings, &[("123456789012", "123456789012")]);
    let catalog = Catalog::builtin(&settings).unwrap();
    assert!(!catalog.account_number("accountId", "123456789012"));
}
