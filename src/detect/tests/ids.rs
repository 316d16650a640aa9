//! Ids that only a key, a field or a path tells.

use super::check;

const USER: &str = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be";

#[test]
fn canonical_users_of_s3() {
    for text in [
        r#"{"Owner": {"DisplayName": "ledger", "ID": "@"}}"#,
        "<Owner><ID>@</ID></Owner>",
        r#"{\"CanonicalUser\": [\"@\"]}"#,
        "aws s3api put-object-acl --grant-full-control id=@ --key x",
        "aws s3api put-object-acl --grant-read 'id=\"@\"'",
        "x-amz-grant-write-acp: id=\"@\"",
    ] {
        check(&[("", &text.replace('@', USER), &text.replace('@', "[S3_USER]"))]);
    }
    for text in ["sha256 @", "<ID>@</ID>", r#""Layer": {"ID": "@"}"#, "owner: @", "grant-read @"] {
        let text = text.replace('@', USER);
        check(&[("", &text, &text)]);
    }
}

#[test]
fn ids_beside_their_keys() {
    check(&[
        (
            "",
            "\"DbiResourceId\": \"db-4XKQ7ZLM2NPR5TSVWY3ABCDEFG\" cluster-4XKQ7ZLM2NPR5TSVWY3ABCDEFG",
            "\"DbiResourceId\": \"[RDS_RESOURCE]\" [RDS_RESOURCE]",
        ),
        (
            "",
            "{\"UserPoolId\": \"us-west-2_ywDJHlIfU\", \"ClientId\": \"3n4b5urk1ft4fl3mg5e62d9ado\"}",
            "{\"UserPoolId\": \"[USER_POOL]\", \"ClientId\": \"[COGNITO_CLIENT]\"}",
        ),
        (
            "",
            "aws cognito-idp describe-user-pool-client --client-id 3n4b5urk1ft4fl3mg5e62d9ado",
            "aws cognito-idp describe-user-pool-client --client-id [COGNITO_CLIENT]",
        ),
        (
            "",
            "user_pool_client_id = \"3n4b5urk1ft4fl3mg5e62d9ado\"",
            "user_pool_client_id = \"[COGNITO_CLIENT]\"",
        ),
        (
            "",
            "https 2024-05-14T10:11:12.3Z app/ledger-public-alb/50dc6c495c0c9188 8.8.4.4:1",
            "https 2024-05-14T10:11:12.3Z app/[ELB]/[ELB] 8.8.4.4:1",
        ),
        (
            "",
            "app/a-b/50dc6c495c0c9188/targetgroup/ledger/943f017f100becff",
            "app/[ELB]/[ELB]/targetgroup/[TARGET_GROUP]/[TARGET_GROUP]",
        ),
        (
            "",
            "curl http://169.254.169.254/latest/meta-data/iam/security-credentials/LedgerWorkerRole",
            "curl http://169.254.169.254/latest/meta-data/iam/security-credentials/[IAM_ROLE]",
        ),
        ("", "&Key-Pair-Id=K2JCJMDEHXQW5F&x=1", "&Key-Pair-Id=[CLOUDFRONT_KEY]&x=1"),
        (
            "",
            r#"{\"group\": \"service:ledger-api\", \"x\": \"family:a-b\"}"#,
            r#"{\"group\": \"service:[ECS_SERVICE]\", \"x\": \"family:a-b\"}"#,
        ),
    ]);
    let data = "gSlJFq+VpcZXqy/iktxMF6NyxQ4qCrT4".repeat(10);
    let text = format!("{{\"PasswordData\": \"\\r\\n{data}==\\r\\n\"}}");
    check(&[("", &text, "{\"PasswordData\": \"\\r\\n[EC2_PASSWORD]\\r\\n\"}")]);
}

#[test]
fn what_looks_like_one_stays() {
    for text in [
        "app/models/user.rb net/http app/views/50dc6c495c0c9188.erb",
        "./app/main/50dc6c495c0c9188 web/app/main/50dc6c495c0c9188",
        "iam/security-credentials/<role-name> iam/security-credentials/$ROLE",
        "client_id=abcdefghijklmnopqrstuvwxyz clientId: string",
        "\"group\": \"users\", group=service:x",
        "Key-Pair-Id=KEYPAIRID",
        "PasswordData: null",
    ] {
        check(&[("", text, text)]);
    }
}
