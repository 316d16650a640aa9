//! Bodies that are made to hurt: what looks like the beginning of something, over and over.

use serde_json::json;

/// What is repeated, and its name.
pub(crate) const HURTFUL: [(&str, &str); 40] = [
    ("numbers, dots", "12.34.56.78."),
    ("half ids", "i-0123456789abcde "),
    ("hyphens", "vpc-subnet-i-eni-"),
    ("half ARNs", "arn:aws:s3:"),
    ("ARNs", "arn:aws:sqs:eu-west-1:123456789012:q7/"),
    ("escapes", "\\u002di-\\\\n\\/"),
    ("base64", "QVdTIGlzIG5vdCBpbiBoZXJlLCBhbmQgbmVpdGhlciBpcyBhIGtleQ=="),
    ("passwords", "password=\"x"),
    ("URLs", "https://user:a@s3.amazonaws.com/"),
    ("keys", "FunctionName: "),
    ("hex", "0123456789abcdef"),
    ("colons", "::1:a:b::"),
    ("placeholders", "AWS_EC2_A0123456789"),
    ("digits", "12345678901234567890 "),
    ("commands", "aws eks x --name "),
    ("parameters", "--type SecureString (value "),
    ("tokens", "xoxb-1234567890-ghp_0123456789"),
    ("secrets", "apikey="),
    ("columns", "AccountId,Name\n"),
    ("one column", "AccountId\n"),
    ("siblings", "{\"name\":\"DB_PASSWORD\",\"value\":"),
    ("curl", "curl -u a:b"),
    ("logins", "mysql -px "),
    ("tables", "a,password\n"),
    ("blocks", "resource \"aws_sqs_queue\" \"q\" {\n  name = \"x1\"\n"),
    ("answers", "aws s3 ls\n"),
    ("colors", "\x1b[1ma\x1b[K"),
    ("maps", "accounts: {a: "),
    ("statements", "WITH PASSWORD 'x "),
    ("settings", "password=a1&"),
    ("heads", "name,value\\n"),
    ("quotes", "> a\n"),
    ("sections", "aws:\n  x: "),
    ("objects", "\"aws\": {"),
    ("dots", "aws.x aws."),
    ("calls", "update_service(a=[{"),
    ("rows", "VPCS\t1\t"),
    ("outputs", "Outputs:\na = \"b\"\n"),
    ("nodes", "CLUSTER\tNODEGROUP\n"),
    ("defaults", "BucketName:\n Type: String\n"),
];

pub(crate) fn body(repeated: &str, size: usize) -> String {
    let text = repeated.repeat(size / repeated.len());
    json!({"messages": [{"role": "user", "content": text}]}).to_string()
}
