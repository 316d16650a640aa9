//! What may stand around a value: markup, code, sentences, quotes and words of other scripts.

use super::shown;

/// Where `V` stands, what is said in a text is found as it is where it stands alone.
const AROUND: [&str; 61] = [
    "V",
    "Set V and restart.",
    "It was V, then we changed it.",
    "Please set V.",
    "Is it V?",
    "Now V!",
    "(that is, V)",
    "**V**",
    "`V`",
    "- `V`",
    "1. V",
    "**`V`**",
    "| step | `V` |",
    "> V",
    "<td>V</td>",
    "<!-- V -->",
    "/* V */",
    "// V",
    "# V",
    "RUN V",
    "      - V",
    "[V]",
    "{V}",
    "$(V)",
    "x=`V`",
    "V;",
    "V; echo done",
    "V && echo done",
    "V | tee x",
    "V > out.txt",
    "V \\\n  --x y",
    "$ V",
    "2026-11-22T10:00:00Z INFO V",
    "ERROR [main] V failed",
    "level=info msg=start V port=80",
    "a\\nV\\nb",
    "“V”",
    "„V“",
    "«V»",
    "‘V’",
    "「V」",
    "設定はVです。",
    "删除V实例",
    "V。",
    "값은 V입니다",
    "✅V✅",
    "—V—",
    "V—then",
    "V… and",
    "•\u{a0}V\u{a0}x",
    "\u{feff}V",
    "инстанс V, удалить",
    "größer als V",
    "V\u{3000}x",
    "V²",
    "<V>",
    "~V~",
    "V\r\nx",
    "\tV\tx",
    "\u{1b}[32mV\u{1b}[0m",
    "see V: it fails",
];

fn everywhere(pairs: &[(&str, &str)], bare: fn(&str) -> String) {
    for &(plain, masked) in pairs {
        for around in AROUND {
            // What says that this is about AWS.
            let text = |value| format!("vpc-0a1b2c3d4e5f60718\n\n{}", around.replace('V', value));
            let expected = text(masked).replace("vpc-0a1b2c3d4e5f60718", "[VPC]");
            assert_eq!(bare(&shown(&text(plain), "")), bare(&expected), "{around}");
        }
    }
}

#[test]
fn identifiers() {
    everywhere(
        &[
            ("i-0123456789abcdef0", "[EC2]"),
            (
                "arn:aws:iam::481516234299:role/PayDeployer",
                "arn:aws:iam::[ACCOUNT]:role/[IAM_ROLE]",
            ),
            ("s3://acme-ledger/2026", "s3://[S3_BUCKET]/2026"),
            ("10.20.0.5", "[PRIVATE_IP]"),
            ("AKIAJ7Q2MX4TBF3K9Q2M", "[ACCESS_KEY]"),
        ],
        str::to_owned,
    );
}

#[test]
fn secrets() {
    // A password may end with what ends a sentence, or a mark.
    everywhere(
        &[
            ("password=Tr4wb2kLq9", "password=[DB_PASSWORD]"),
            ("DB_PASSWORD=Tr4wb2kLq9", "DB_PASSWORD=[DB_PASSWORD]"),
            ("--master-user-password Tr4wb2kLq9", "--master-user-password [DB_PASSWORD]"),
            ("api_key=f3Zk81mQw7Lt02Xb", "api_key=[API_KEY]"),
            ("JWT_SECRET=f3Zk81mQw7Lt02Xb", "JWT_SECRET=[API_KEY]"),
            ("X-Api-Key: f3Zk81mQw7Lt02Xb", "X-Api-Key: [API_KEY]"),
        ],
        |text| text.replace(['.', '!', '?', '*', '~', '>', ':'], ""),
    );
}

#[test]
fn names_by_their_keys() {
    everywhere(
        &[
            ("DBInstanceIdentifier: orders-prod", "DBInstanceIdentifier: [RDS]"),
            ("S3_BUCKET=acme-ledger", "S3_BUCKET=[S3_BUCKET]"),
            ("DYNAMODB_TABLE_NAME=PayLedger", "DYNAMODB_TABLE_NAME=[DYNAMODB]"),
            ("--db-instance-identifier orders-prod", "--db-instance-identifier [RDS]"),
            ("--db-instance-identifier=orders-prod", "--db-instance-identifier=[RDS]"),
            ("AWS_PROFILE=acme-prod", "AWS_PROFILE=[CLI_PROFILE]"),
            ("Key=Name,Value=pay-bastion", "Key=Name,Value=[RESOURCE]"),
            (
                "aws dynamodb scan --table-name PayLedger",
                "aws dynamodb scan --table-name [DYNAMODB]",
            ),
        ],
        str::to_owned,
    );
}

#[test]
fn names_of_files() {
    for (text, masked) in [
        (
            "cat mydb.cx1llnox7iyx.us-west-2.rds.amazonaws.com.log",
            "cat [RDS].[RDS_DOMAIN].us-west-2.rds.amazonaws.com.log",
        ),
        ("dump_d111111abcdef8.cloudfront.net.json", "dump_[CLOUDFRONT_HOST].cloudfront.net.json"),
        ("dump-d111111abcdef8.cloudfront.net.json", "dump-[CLOUDFRONT_HOST].cloudfront.net.json"),
        ("scan-10.20.3.4.xml", "scan-[PRIVATE_IP].xml"),
        ("host_192.168.7.9 and _10.20.3.4_", "host_[PRIVATE_IP] and _[PRIVATE_IP]_"),
        ("10.20.3.4-10.20.3.9", "[PRIVATE_IP]-[PRIVATE_IP]"),
    ] {
        assert_eq!(shown(text, ""), masked);
    }
    for text in [
        "lib-10.20.3.4.jar",
        "tool_10.20.3.4",
        "1.9-10.20.3.4",
        "aws-codedeploy-eu-west-1.s3.eu-west-1.amazonaws.com",
        "x_AWS_CLOUDFRONT_BF3K9Q2MX4TB.cloudfront.net",
    ] {
        assert_eq!(shown(text, ""), text);
    }
}

#[test]
fn keys_in_markup_blocks_and_types() {
    for (text, masked) in [
        ("x --table-name=PayLedger", "x --table-name=[DYNAMODB]"),
        ("- **BucketName**: acme-ledger", "- **BucketName**: [S3_BUCKET]"),
        ("**BucketName:** acme-ledger", "**BucketName:** [S3_BUCKET]"),
        ("| `BucketName` | `acme-ledger` |", "| `BucketName` | `[S3_BUCKET]` |"),
        ("BucketName: !str acme-ledger\n", "BucketName: !str [S3_BUCKET]\n"),
        ("BucketName: &b acme-ledger\n", "BucketName: &b [S3_BUCKET]\n"),
        ("BucketName: >-\n  acme-ledger\n", "BucketName: >-\n  [S3_BUCKET]\n"),
        ("BucketName:\n  value: acme-ledger\n", "BucketName:\n  value: [S3_BUCKET]\n"),
        ("let BucketName: String = \"acme-ledger\"", "let BucketName: String = \"[S3_BUCKET]\""),
        ("if BucketName === \"acme-ledger\"", "if BucketName === \"[S3_BUCKET]\""),
        ("$ENV{BucketName} = 'acme-ledger';", "$ENV{BucketName} = '[S3_BUCKET]';"),
        (
            "{\"key\": \"BucketName\", \"value\": \"acme-ledger\"}",
            "{\"key\": \"BucketName\", \"value\": \"[S3_BUCKET]\"}",
        ),
        (
            "variable \"bucket_name\" {\n  default = \"acme-ledger\"\n}",
            "variable \"bucket_name\" {\n  default = \"[S3_BUCKET]\"\n}",
        ),
        (
            "variable \"api_key\" {\n  default = \"f3Zk81mQw7Lt02XbR9pd\"\n}",
            "variable \"api_key\" {\n  default = \"[API_KEY]\"\n}",
        ),
        (
            "string DbPassword { get; set; } = \"Tr4wb2kLq9\";",
            "string DbPassword { get; set; } = \"[DB_PASSWORD]\";",
        ),
    ] {
        assert_eq!(
            shown(&format!("vpc-0a1b2c3d4e5f60718\n{text}"), ""),
            format!("[VPC]\n{masked}")
        );
    }
    for text in [
        "if BucketName == \"users\"",
        "if BucketName == other",
        "variable \"bucket_name\" {\n  type = string\n}",
        "BucketName: &b\n",
        "BucketName: |\n",
    ] {
        assert_eq!(shown(&format!("vpc-0a1b2c3d4e5f60718\n{text}"), ""), format!("[VPC]\n{text}"));
    }
}
