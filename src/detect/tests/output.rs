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
