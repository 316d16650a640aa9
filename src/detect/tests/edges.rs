//! Where values end that something else follows, as fuzzing found it.

use super::check;

#[test]
fn values_end_where_masking_again_ends_them() {
    const TEXT: &str =
        "VGhlIGtleSBpcyBBS0lBSU9TRk9ETk43RVhBTVBMRSBmb3IgaS0wZmVkY2JhOTg3NjU0MzIxMC4";
    check(&[
        // Padding inside a word is none.
        ("", &format!("{TEXT}=;"), "[ENCODED];"),
        ("", &format!("{TEXT}=0"), "[ENCODED]=0"),
        // One id behind another.
        ("", "c-0f1e2d3c4b5a69788-d-1f1e2d3c4b5a69788", "[ID]-[ID]"),
        // An ARN begins, no name ends.
        ("", "/aws/lambda/x-arn:aws:sns:::n", "/aws/lambda/[LAMBDA]-arn:aws:sns:::[SNS]"),
        (
            "",
            "arn:aws:sns:::a/arn:aws-0f1e2d3c4b5a69788:b",
            "arn:aws:sns:::[SNS]/[SNS_SUBSCRIPTION]:[ID]:[SNS_SUBSCRIPTION]",
        ),
        (
            "",
            "arn:aws:sns:::a/arn:aws-us-gov:sns:::b",
            "arn:aws:sns:::[SNS]/arn:aws-us-gov:sns:::[SNS]",
        ),
        (
            "",
            "arn:aws:logs:::log-group:n:aws:b",
            "arn:aws:logs:::log-group:[LOG_GROUP]:aws:[LOG_STREAM]",
        ),
        // Slashes are escaped at any depth.
        (
            "",
            r"arn:aws:logs:::log-group:\\/aws/lambda/f1",
            r"arn:aws:logs:::log-group:\\/aws/lambda/[LAMBDA]",
        ),
        // What looks like a tag is none without what stands before it.
        (
            "",
            "arn:aws:iot:::rule/button_G030JF051537S76R, arn:aws:iot:::rule/x-AWS_ID_G030JF051537",
            "arn:aws:iot:::rule/[RESOURCE], arn:aws:iot:::rule/x-AWS_ID_G030JF051537",
        ),
        ("FunctionName", "render_G030JF051537", "[LAMBDA]"),
        ("FunctionName", "SECRET_ID_G030JF051537_x", "SECRET_ID_G030JF051537_x"),
        // A name goes on with an escaped letter.
        ("", r"arn:aws:logs:::log-group/\u0069:aws", r"arn:aws:logs:::log-group/[LOG_GROUP]:aws"),
        ("", r"arn:aws:s3:::acme\u002ddata/x", r"arn:aws:s3:::[S3_BUCKET]/x"),
        // An escaped letter may belong to the word: masking too much is not leaking.
        ("", r"i-0123456789abcdef0\u0062", r"[EC2]\u0062"),
        ("", r"i-0123456789abcdef0\u000a", r"[EC2]\u000a"),
        ("", r"AKIAIOSFODNN7EXAMPLE\u0062", r"[ACCESS_KEY]\u0062"),
    ]);
}

#[test]
fn arns_in_expressions() {
    check(&[
        ("", "^arn:aws:iam::123456789012:role/[a-z]+$", "^arn:aws:iam::[ACCOUNT]:role/[a-z]+$"),
        (
            "",
            r"arn:aws:iam::\d{12}:role/ops-[\w+=,.@-]{1,64}-deployer\b",
            r"arn:aws:iam::\d{12}:role/[IAM_ROLE]-[\w+=,.@-]{1,64}-[IAM_ROLE]\b",
        ),
        (
            "",
            r"arn:aws:ec2:[^:]+:123456789012:instance\/i-[0-9a-f]{17}",
            r"arn:aws:ec2:[^:]+:[ACCOUNT]:instance\/i-[0-9a-f]{17}",
        ),
        (
            "",
            r#"{\"pattern\": \"^arn:aws:s3:::[^/]+/x|arn:aws:sns:\\w+:\\d{12}:orders\"}"#,
            r#"{\"pattern\": \"^arn:aws:s3:::[^/]+/x|arn:aws:sns:\\w+:\\d{12}:[SNS]\"}"#,
        ),
        (
            "",
            "arn:aws:iam::(123456789012|998877665544):role/(?:deployer|admin-[0-9]+)$",
            "arn:aws:iam::([ACCOUNT]|[ACCOUNT]):role/(?:[IAM_ROLE]|[IAM_ROLE]-[0-9]+)$",
        ),
        ("", "arn:aws:iam:::role/[a-zA-Z0-9]+", "arn:aws:iam:::role/[a-zA-Z0-9]+"),
        ("", r"arn:aws:iam:::role/ops\w+, \d{", r"arn:aws:iam:::role/[IAM_ROLE]\w+, \d{"),
        ("", r"arn:aws:iam:::role/deployer-\d{", r"arn:aws:iam:::role/[IAM_ROLE]-\d{"),
        // An index, a link and a note are no expressions.
        (
            "",
            "arn:aws:s3:::acme-data[0], arn:aws:s3:::acme-logs (old)",
            "arn:aws:s3:::[S3_BUCKET][0], arn:aws:s3:::[S3_BUCKET] (old)",
        ),
    ]);
}

#[test]
fn the_end_of_a_uuid_is_no_account() {
    let uuid = "da0974ca-a60e-4f67-846f-321057918126";
    let session = format!(r#"{{"account_uuid":"","session_id":"{uuid}"}}"#);
    check(&[
        ("", &session, &session),
        ("", &format!("account {uuid}"), &format!("account {uuid}")),
        ("AccountId", uuid, uuid),
        ("", "account 321057918126", "account [ACCOUNT]"),
        ("", "account-321057918126", "account-[ACCOUNT]"),
        ("", "account a60e-4f67-846f-321057918126", "account a60e-4f67-846f-[ACCOUNT]"),
    ]);
}
