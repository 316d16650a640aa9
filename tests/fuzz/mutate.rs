//! Changes an input as the dice fall.

use crate::dice::Dice;

/// Longer inputs find nothing new and take longer.
const LONGEST: usize = 6000;

/// What parsers and patterns care about.
const TOKENS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "\"",
    "\\",
    ":",
    ",",
    "\n",
    "\r\n",
    " ",
    "\0",
    "\u{1b}[1m",
    "é",
    "😀",
    "\\n",
    "\\\\",
    "\\\"",
    "\\u0069",
    "\\ud83d",
    "\\ude00",
    "%2F",
    "/",
    "-",
    "_",
    ".",
    "=",
    "0",
    "1e9",
    "null",
    "\"type\":",
    "\"base64\"",
    "\"data\":",
    "\"text\"",
    "\"input\":",
    "data: ",
    "event: ",
    "\n\n",
    "AWS_",
    "SECRET_",
    "AWS_EC2_BF3K9Q2MX4TB",
    "AWS_EC2_BF3K9",
    "i-0123456789abcdef0",
    "i-",
    "vpc-0f1e2d3c4b5a69788",
    "AKIAQ3EGRYZ7T2LM5XWB",
    "arn:aws:iam::123456789012:role/deployer-7",
    "arn:aws:s3:::acme-exports/",
    "s3://acme-exports/a",
    "123456789012",
    "account ",
    "boto3",
    "kubectl get secret x -o jsonpath={.data}",
    "\n----\n",
    "kubernetes.io/cluster/core-2",
    "remoteRef:\n  key: ",
    "random_password\" result = \"",
    "\"type\": \"aws_sqs_queue\", \"values\": {\"name\": \"",
    "[root@db ~]# ",
    "core.eu-west-1.eksctl.io",
    "fromBucketName(this, 'x', '",
    ".tableName(\"",
    "Bucket: aws.String(\"",
    "S3_BUCKET=acme-exports",
    "ORDERS_TABLE_NAME: ",
    "STRIPE_KEY=gT7pQ2vX9mK4pL8sW3aaBB",
    "token: ",
    "DB_CREDS=app:",
    "ADMIN_PW=",
    "SQS queue orders-inbox-2",
    "accountId",
    "10.24.113.7",
    "::ffff:10.0.0.1",
    "aws_secret_access_key = ",
    "kX9vQ2mL8pR4tW7yB1nD6fH3jK5sZ0aC/eG+uI9o",
    "password=",
    "https://sqs.eu-west-1.amazonaws.com/",
    "-----BEGIN PRIVATE KEY-----",
    "eyJhbGciOiJIUzI1NiJ9.",
    "ghp_",
    "aws ecs x --cluster ",
    "aws eks x --name prod ",
    " --services ",
    "mysql -uroot -pTeal-9x! ",
    "| user | password |\n|---|---|\n| a | Teal-9x! |\n",
    "a,password\nb,Teal-9x!\n",
    "password    Teal-9x!\n",
    "Key  Value\nDB_PASSWORD  Teal-9x!\n",
    "│ NAME │ VALUE │\n├─┼─┤\n│ DB_PASSWORD │ Teal-9x! │\n",
    "| DB_PASSWORD | Teal-9x! |",
    " id | api_key \n----+----\n 1 | gT7pQ2vX9mK4pL8sW3aaBB\n",
    "requirepass Teal-9x!\n",
    "mapAccounts: |\n  - \"481516234299\"\n",
    "PS C:\\x> ",
    "     1→a\n     2→- name: DB_PASSWORD\n     3→  value: Teal-9x!\n",
    "a.yml:7:accounts:\na.yml-8-  - 481516234299\n",
    "diff --git a/x b/x\n@@ -1 +1 @@\n-password: Teal-9x!\n+password: Teal-8x!\n",
    "api-1  | ",
    "\n> ",
    "DB_PASSWORD=Dw9&bYk4Jf\n",
    "const password: string = \"Teal-9x!\"",
    "| DB_PASSWORD | Teal-9xA |\n",
    "password = \"Teal-9x!\" -> \"Red-8y?z\"",
    "resource \"aws_sqs_queue\" \"q\" {\n  name = \"ledger\"\n",
    "\"Principal\": {\"AWS\": \"481516234299\"}",
    "aws://481516234299/",
    "\"name\": \"DB_PASSWORD\", \"value\": \"Teal-9x!\"",
    "\"command\": \"aws dynamodb list-tables --query TableNames\"",
    "aws sts get-caller-identity --query Account",
    "printenv DB_PASSWORD; ",
    "$(aws s3 ls) | sort",
    "<bash-input>",
    "<bash-stdout>",
    "orders\tusers-7\n",
    "</bash-input>",
    "$ printenv DB_PASSWORD\n",
    "ops@host:~$ aws dynamodb list-tables --query TableNames\n",
    "kind: Secret\n",
    "data:\n  a: aHVudGVyMlNv\n",
    "stringData:\n  b: Teal-9x!\n",
    "{\"kind\":\"Secret\",\"data\":{\"a\":\"aHVudGVyMlNv\"}}",
    "\"sensitive\": true, \"value\": \"Teal-9x!\"",
    "echo Teal-9x! | gh secret set DB ",
    "chamber write app pw Teal-9x! ",
    "echo \"pw: $DB_PASSWORD\"",
    "\"secretName\": \"pay\"",
    "$ echo \"pw${DB_PASSWORD}xy $API_TOKEN\"\n",
    "pwTeal-9xxy abc9\n",
    "root@db:~# ",
    "  c: \"Teal-9x!\n    more-8!\" # x\n",
    "     1\tkind: Secret\n     2\tdata:\n     3\t  a: aHVudGVyMlNv\n",
    "{\\\"stripe\\\": \\\"gT7pQ2vX9mK4\\\"}",
    "$ aws secretsmanager get-secret-value --query SecretString\n",
    "DYNAMODB_TABLE=pay-ledger ",
    "{\"Key\": \"Name\", \"Value\": \"pay-bastion\"}",
    "aws glue get-jobs; ",
    "{\"Jobs\": [{\"Name\": \"ledger-etl\"}]}",
    "{\"OutputKey\": \"BucketName\", \"OutputValue\": \"pay-raw\"}",
    "--dimensions Name=QueueName,Value=inbox ",
    "ParameterKey=TableName,ParameterValue=ledger",
    "\"PhysicalResourceId\": \"pay-fn\"",
    "\"name\": \"mcp__ecs__x\", ",
    "\"cluster\": \"core\", ",
    "{\"response\": {\"as_json\": \"{\\\"Jobs\\\": [{\\\"Name\\\": \\\"etl\\\"}]}\"}}",
    "--query 'Vpcs[].[VpcId,Tags[?Key==`Name`].Value|[0]]' ",
    "aws secretsmanager get-secret-value; ",
    "{\"SecretString\": \"{\\\"a\\\": \\\"gT7pQ2vX9mK4\\\"}\"}",
    "Name=tag:Name,Values=pay-bastion",
    "(service settle) has reached",
    "pay-raw-eu already exists in stack x",
    "Key   TableName\nDescription  -\nValue   pay-ledger\n",
    "/snapshots/481516234299/",
    "OUTPUTS\tTableName\tpay-ledger\n",
    "[a-z]+",
    "\\d{12}",
    "(a|b)",
    "x_G030JF051537",
];

/// Between one and eight changes.
pub(crate) fn mutated(seeds: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut input = seeds[index(dice, seeds.len())].clone();
    if input.len() > LONGEST {
        input = part(&input, dice);
    }
    for _ in 0..=dice.roll(8) {
        change(&mut input, seeds, dice);
    }
    input.truncate(LONGEST);
    input
}

fn change(input: &mut Vec<u8>, seeds: &[Vec<u8>], dice: &mut Dice) {
    let at = index(dice, input.len() + 1);
    let until = at + index(dice, (input.len() - at).min(64) + 1);
    let token = TOKENS[index(dice, TOKENS.len())].bytes();
    match dice.roll(8) {
        0 | 1 => drop(input.splice(at..at, token)),
        2 => drop(input.splice(at..until, token)),
        3 => drop(input.drain(at..until)),
        4 => {
            let again = input[at..until].to_vec();
            drop(input.splice(at..at, again));
        }
        5 => {
            let other = part(&seeds[index(dice, seeds.len())], dice);
            drop(input.splice(at..until, other));
        }
        6 => {
            let byte = u8::try_from(dice.roll(256)).unwrap();
            drop(input.splice(at..(at + 1).min(input.len()), [byte]));
        }
        _ => {
            let taken: Vec<u8> = input.drain(at..until).collect();
            let to = index(dice, input.len() + 1);
            drop(input.splice(to..to, taken));
        }
    }
}

/// A piece of at most a few hundred bytes.
fn part(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    let at = index(dice, bytes.len() + 1);
    let length = index(dice, (bytes.len() - at).min(600) + 1);
    bytes[at..at + length].to_vec()
}

pub(crate) fn index(dice: &mut Dice, below: usize) -> usize {
    usize::try_from(dice.roll(below as u64)).unwrap()
}
