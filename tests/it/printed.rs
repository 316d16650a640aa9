//! What commands print: the input of a tool tells what its result holds.

use masker::body::select::Format;
use masker::mask::document::{Form, mask, unmask};
use masker::mask::masker::Masker;
use masker::mask::resent::Resent;
use serde_json::{Value, json};

use crate::setup::{MASKER, SCOPE, masker};

/// A conversation of Claude Code's in which a command was run.
fn session(command: &str, answer: &str) -> Value {
    json!({"messages": [
        {"role": "user", "content": "look"},
        {"role": "assistant", "content": [
            {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": command, "description": "Look"}}
        ]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": answer}]},
    ]})
}

pub(crate) fn masked(format: Format, source: &Value) -> Value {
    let (masked, ..) = mask(&MASKER, &SCOPE, Form::Json(format), &source.to_string()).unwrap();
    serde_json::from_str(&masked).unwrap()
}

/// The answer as the provider gets it, with `[KIND]` for each placeholder.
pub(crate) fn shown(command: &str, answer: &str) -> String {
    let masked = masked(Format::Messages, &session(command, answer));
    kinds(masked["messages"][2]["content"][0]["content"].as_str().unwrap())
}

pub(crate) fn kinds(text: &str) -> String {
    let mut shown = String::new();
    let mut from = 0;
    for span in masker::mask::placeholder::spans(text) {
        let placeholder = &text[span.clone()];
        let (_, kind) = placeholder.split_once('_').unwrap();
        let (kind, _) = kind.rsplit_once('_').unwrap();
        shown += &format!("{}[{kind}]", &text[from..span.start]);
        from = span.end;
    }
    shown + &text[from..]
}

const QUERIES: &[(&str, &str, &str)] = &[
    ("aws sts get-caller-identity --query Account --output text", "749312086455\n", "[ACCOUNT]\n"),
    ("aws sts get-caller-identity | jq -r .Account", "749312086455", "[ACCOUNT]"),
    (
        "A=$(aws sts get-caller-identity --query Account --output text); echo $A",
        "749312086455",
        "[ACCOUNT]",
    ),
    (
        "aws dynamodb list-tables --query TableNames --output text",
        "orders\tusers\tlegacy",
        "[DYNAMODB]\t[DYNAMODB]\t[DYNAMODB]",
    ),
    (
        "aws dynamodb list-tables --query 'TableNames'",
        "[\n    \"orders\",\n    \"users\"\n]\n",
        "[\n    \"[DYNAMODB]\",\n    \"[DYNAMODB]\"\n]\n",
    ),
    (
        "aws dynamodb list-tables | jq -c .TableNames",
        "[\"orders\",\"users\"]",
        "[\"[DYNAMODB]\",\"[DYNAMODB]\"]",
    ),
    (
        "cd infra && AWS_PROFILE=x aws s3api list-buckets --query 'Buckets[].Name' --output text 2>&1 | tr '\\t' '\\n'",
        "reports\narchive\n",
        "[S3_BUCKET]\n[S3_BUCKET]\n",
    ),
    (
        "aws s3 ls | sort",
        "2024-05-14 10:11:12 reports\n2024-05-14 10:11:12 raw\n",
        "2024-05-14 10:11:12 [S3_BUCKET]\n2024-05-14 10:11:12 [S3_BUCKET]\n",
    ),
    (
        "aws eks list-clusters --query 'clusters[]' --output text",
        "blue\tgreen",
        "[EKS_CLUSTER]\t[EKS_CLUSTER]",
    ),
    (
        "aws lambda list-functions --query 'Functions[].[FunctionName,Runtime]' --output text",
        "resize\tpython3.12\nrender\tnodejs20.x\n",
        "[LAMBDA]\tpython3.12\n[LAMBDA]\tnodejs20.x\n",
    ),
    (
        "aws lambda list-functions --query 'Functions[].[Runtime,FunctionName]'",
        "[\n    [\n        \"python3.12\",\n        \"resize\"\n    ],\n    [\n        \"go\",\n        \"render\"\n    ]\n]",
        "[\n    [\n        \"python3.12\",\n        \"[LAMBDA]\"\n    ],\n    [\n        \"go\",\n        \"[LAMBDA]\"\n    ]\n]",
    ),
    (
        "aws rds describe-db-instances --query 'DBInstances[].{Id:DBInstanceIdentifier,Engine:Engine}'",
        "[\n    {\n        \"Id\": \"main\",\n        \"Engine\": \"postgres\"\n    }\n]",
        "[\n    {\n        \"Id\": \"[RDS]\",\n        \"Engine\": \"postgres\"\n    }\n]",
    ),
    (
        "aws iam list-users --query 'sort(Users[].UserName)' --output table",
        "-------------\n|  ListUsers  |\n+---+\n|  alice  |\n|  bob  |\n+---+",
        "-------------\n|  ListUsers  |\n+---+\n|  [IAM_USER]  |\n|  [IAM_USER]  |\n+---+",
    ),
    (
        "aws dynamodb list-tables --query TableNames --output yaml",
        "- orders\n- users\n",
        "- [DYNAMODB]\n- [DYNAMODB]\n",
    ),
    (
        "aws iam list-users | jq -r --arg p x '.Users[]|[.UserName,.CreateDate]|@csv'",
        "\"alice\",\"2024-05-14\"\n\"bob\",\"2024-05-14\"",
        "\"[IAM_USER]\",\"2024-05-14\"\n\"[IAM_USER]\",\"2024-05-14\"",
    ),
    (
        "aws iam list-users | jq -c '.Users[] | {name: .UserName, made: .CreateDate}'",
        "{\"name\":\"alice\",\"made\":\"2024-05-14\"}\n{\"name\":\"bob\",\"made\":\"x\"}",
        "{\"name\":\"[IAM_USER]\",\"made\":\"2024-05-14\"}\n{\"name\":\"[IAM_USER]\",\"made\":\"x\"}",
    ),
    (
        "aws organizations list-accounts --query 'Accounts[].[Id,Status]' --output text",
        "749312086455\tACTIVE\n593726104815\tSUSPENDED",
        "[ACCOUNT]\tACTIVE\n[ACCOUNT]\tSUSPENDED",
    ),
    (
        "aws ec2 describe-instances --query 'Reservations[].Instances[].[Tags[?Key==`Name`]|[0].Value,KeyName,InstanceType]' --output text",
        "web\tdeployer\tt3.micro",
        "[RESOURCE]\t[KEY_PAIR]\tt3.micro",
    ),
    (
        "sudo -u deploy timeout 30 /usr/local/bin/aws eks list-clusters --query clusters --output text",
        "blue",
        "[EKS_CLUSTER]",
    ),
    ("bash -lc \"aws eks list-clusters --query clusters --output text\"", "blue", "[EKS_CLUSTER]"),
    (
        "aws eks list-clusters --region $(cat region) --query clusters --output text",
        "blue",
        "[EKS_CLUSTER]",
    ),
    (
        "for c in $(aws eks list-clusters --query clusters --output text); do echo $c; done",
        "blue\ngreen",
        "[EKS_CLUSTER]\n[EKS_CLUSTER]",
    ),
    (
        "aws athena get-query-execution --query-execution-id x --query QueryExecution.WorkGroup --output text",
        "adhoc",
        "[ATHENA]",
    ),
    (
        r#"aws iam list-users | jq -r '.Users[] | "\(.UserName) \(.CreateDate)"'"#,
        "alice 2024-05-14T10:11:12Z\nbob 2023-05-14T10:11:12Z",
        "[IAM_USER] 2024-05-14T10:11:12Z\n[IAM_USER] 2023-05-14T10:11:12Z",
    ),
    (
        "aws rds describe-db-instances --query 'DBInstances[].{ID:DBInstanceIdentifier,Engine:Engine}' --output text",
        "postgres\tcore",
        "postgres\t[RDS]",
    ),
    (
        "aws eks list-clusters",
        "{\n    \"clusters\": [\n        \"platmain\"\n    ]\n}",
        "{\n    \"clusters\": [\n        \"[EKS_CLUSTER]\"\n    ]\n}",
    ),
    (
        "aws eks list-clusters",
        "{\"clusters\": [\"platmain\"]}",
        "{\"clusters\": [\"[EKS_CLUSTER]\"]}",
    ),
    (
        "aws eks list-clusters --output yaml",
        "clusters:\n- platmain\n",
        "clusters:\n- [EKS_CLUSTER]\n",
    ),
    (
        "aws dynamodb list-tables --output text",
        "TABLENAMES\torders\nTABLENAMES\tusers",
        "TABLENAMES\t[DYNAMODB]\nTABLENAMES\t[DYNAMODB]",
    ),
];

#[test]
fn names_that_a_query_picks() {
    for &(command, answer, expected) in QUERIES {
        assert_eq!(shown(command, answer), expected, "{command}");
    }
}

const SECRETS: &[(&str, &str, &str)] = &[
    (
        "aws secretsmanager get-secret-value --secret-id x --query SecretString --output text",
        "correcthorsebattery\n",
        "[DB_PASSWORD]\n",
    ),
    (
        "aws secretsmanager get-secret-value --secret-id x | jq -r '.SecretString'",
        "Tr0ub4dor",
        "[DB_PASSWORD]",
    ),
    (
        "aws ssm get-parameter --name x --with-decryption --query Parameter.Value --output text",
        "Tr0ub4dor&3x",
        "[DB_PASSWORD]",
    ),
    (
        "aws configure get aws_secret_access_key",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzSECRETK9",
        "[SECRET_KEY]",
    ),
    ("printenv DB_PASSWORD", "correcthorse\n", "[DB_PASSWORD]\n"),
    ("source .env; echo \"${DB_PASSWORD}\"", "correcthorse", "[DB_PASSWORD]"),
    ("terraform output -raw db_password", "x8#kLq2z", "[DB_PASSWORD]"),
    ("vault kv get -field=password secret/app", "x8#kLq2z", "[DB_PASSWORD]"),
    ("cat /run/secrets/db_password", "x8#kLq2z\n", "[DB_PASSWORD]\n"),
    ("echo \"${DB_PASSWORD:-unset}\"", "correcthorse", "[DB_PASSWORD]"),
    (
        "printenv DB_PASSWORD; printenv API_TOKEN",
        "correcthorse\nbatterystaple\n",
        "[DB_PASSWORD]\n[API_KEY]\n",
    ),
    ("docker exec app printenv DB_PASSWORD", "(x8#kLq2z", "[DB_PASSWORD]"),
    ("printenv DB_PASSWORD", "Tr0ub4dor-i-0abc123def4567890-horse", "[DB_PASSWORD]"),
    (
        "kubectl get secret db -o jsonpath='{.data.password}' | base64 -d",
        "correcthorse",
        "[DB_PASSWORD]",
    ),
    (
        "aws sts assume-role --role-arn x --role-session-name y --query Credentials.SecretAccessKey --output text",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzSECRETK9",
        "[SECRET_KEY]",
    ),
    (
        "aws lambda get-function-configuration --function-name x --query Environment.Variables.DB_PASSWORD",
        "\"x8#kLq2z\\\"P\"",
        "\"[DB_PASSWORD]\"",
    ),
    (
        "aws secretsmanager get-secret-value --secret-id x | jq -r '.SecretString | fromjson | .db_password'",
        "x8#kLq2z",
        "[DB_PASSWORD]",
    ),
    ("cat <<EOF > m\nit's\nEOF\nprintenv DB_PASSWORD", "correcthorse", "[DB_PASSWORD]"),
    (
        "printenv DB_PASSWORD",
        "bash: warning: setlocale: x\nletmein-prod7",
        "bash: warning: setlocale: x\n[DB_PASSWORD]",
    ),
    (
        "printenv DB_PASSWORD",
        "correcthorse\nShell cwd was reset to /work\n<system-reminder>x</system-reminder>",
        "[DB_PASSWORD]\nShell cwd was reset to /work\n<system-reminder>x</system-reminder>",
    ),
    ("printenv DB_PASSWORD", "\u{1b}[0mZx81LpVw9!\u{1b}[0m", "\u{1b}[0m[DB_PASSWORD]\u{1b}[0m"),
    ("printenv DB_PASSWORD", "```\ncorrecthorse\n```", "```\n[DB_PASSWORD]\n```"),
    ("terraform -chdir=infra output -raw db_password", "correcthorse", "[DB_PASSWORD]"),
    (
        "docker run --rm amazon/aws-cli secretsmanager get-secret-value --query SecretString --secret-id x",
        "\"correcthorse\"",
        "\"[DB_PASSWORD]\"",
    ),
    (
        "python3 -c \"import os; print(os.environ['DB_PASSWORD'])\"",
        "letmein-prod7",
        "[DB_PASSWORD]",
    ),
    ("yq .db.password values.yaml", "letmein-prod7", "[DB_PASSWORD]"),
    ("redis-cli GET cfg:db_password", "\"letmein-prod7\"", "\"[DB_PASSWORD]\""),
    ("cat db_password.txt", "Zx81LpVw9!", "[DB_PASSWORD]"),
    ("echo $AWS_ACCOUNT_ID", "749312086455", "[ACCOUNT]"),
    ("terraform output -raw account_id", "749312086455", "[ACCOUNT]"),
    (
        "aws ecs describe-task-definition --task-definition x --query \"taskDefinition.containerDefinitions[0].environment[?name=='DB_PASSWORD'].value\" --output text",
        "correcthorse",
        "[DB_PASSWORD]",
    ),
    (
        "aws ecs describe-task-definition --task-definition x | jq -r '.taskDefinition.containerDefinitions[0].environment[] | select(.name==\"DB_PASSWORD\") | .value'",
        "hunter2Sommer9",
        "[DB_PASSWORD]",
    ),
    (
        "aws lambda get-function-configuration --function-name x --query Environment.Variables.DB_PASSWORD --output text",
        "correcthorse",
        "[DB_PASSWORD]",
    ),
    (
        "aws ecs describe-task-definition --task-definition x --query 'a[].environment[].[name,value]'",
        "[\n  [\n    \"DB_PASSWORD\",\n    \"hunter2Sommer9\"\n  ],\n  [\n    \"LOG_LEVEL\",\n    \"info2\"\n  ]\n]",
        "[\n  [\n    \"DB_PASSWORD\",\n    \"[DB_PASSWORD]\"\n  ],\n  [\n    \"LOG_LEVEL\",\n    \"info2\"\n  ]\n]",
    ),
    (
        "aws ecs describe-task-definition --task-definition x --query 'a[].environment[].[name,value]' --output table",
        "+---+---+\n|  DB_PASSWORD |  hunter2Sommer9 |\n|  LOG_LEVEL   |  info2 |\n+---+---+",
        "+---+---+\n|  DB_PASSWORD |  [DB_PASSWORD] |\n|  LOG_LEVEL   |  info2 |\n+---+---+",
    ),
    (
        "aws secretsmanager get-secret-value --secret-id x --query SecretString --output text",
        "correct horse battery staple",
        "[DB_PASSWORD]",
    ),
    (
        "aws secretsmanager get-secret-value --secret-id x --query SecretString --output text",
        "Pässwörd-Über9\n",
        "[DB_PASSWORD]\n",
    ),
    ("echo \"pw: $DB_PASSWORD\"", "pw: correcthorse", "pw: [DB_PASSWORD]"),
    (
        "echo -e \"user=$USER\\npassword is ${DB_PASSWORD:-none}!\"",
        "user=app\npassword is correcthorse!",
        "user=app\npassword is [DB_PASSWORD]!",
    ),
    ("echo \"pw${DB_PASSWORD}xy\"", "pwcorrecthorsexy", "[DB_PASSWORD]"),
    ("printf '%-8s: %s\\n' user \"$DB_PASSWORD\"", "user: correcthorse\n", "user: [DB_PASSWORD]\n"),
    (
        "echo \"a $DB_PASSWORD\"; echo \"$API_TOKEN\"",
        "a correcthorse\nbatterystaple",
        "a [DB_PASSWORD]\n[API_KEY]",
    ),
    (
        "echo \"first $DB_PASSWORD second $API_TOKEN\"",
        "first correcthorse second batterystaple",
        "first [DB_PASSWORD] second [API_KEY]",
    ),
    (
        "echo -e \"$DB_PASSWORD\\n$API_TOKEN\"",
        "correcthorse\nbatterystaple",
        "[DB_PASSWORD]\n[API_KEY]",
    ),
    ("echo \"pw: $DB_PASSWORD\" | cut -d: -f2", " correcthorse", " [DB_PASSWORD]"),
    (
        "echo \"pw: $DB_PASSWORD\" | tee x",
        "\u{1b}[32mpw: correcthorse\u{1b}[0m",
        "\u{1b}[32mpw: [DB_PASSWORD]\u{1b}[0m",
    ),
    (
        "aws secretsmanager get-secret-value --secret-id x --query SecretString --output text",
        "{\"engine\":\"postgres7\",\"stripe\":\"gT7pQ2vX9mK4\",\"port\":\"543210\"}",
        "{\"engine\":\"postgres7\",\"stripe\":\"[DB_PASSWORD]\",\"port\":\"543210\"}",
    ),
    (
        "aws secretsmanager get-secret-value --secret-id x --query SecretString --output text | jq -r .stripe",
        "gT7pQ2vX9mK4",
        "[DB_PASSWORD]",
    ),
    (
        "aws secretsmanager get-secret-value --secret-id x | jq -r '.SecretString | fromjson | .stripe'",
        "gT7pQ2vX9mK4",
        "[DB_PASSWORD]",
    ),
    ("gcloud secrets versions access latest --secret=db", "correcthorse", "[DB_PASSWORD]"),
    ("security find-generic-password -s db -w", "correcthorse", "[DB_PASSWORD]"),
    (
        "TOKEN=$(curl -sX PUT http://169.254.169.254/latest/api/token -H 'X-aws-ec2-metadata-token-ttl-seconds: 60'); echo $TOKEN",
        "AQAEAGdYk3vL9sQmX2ZrT6yU1iO5pA8sD2fG4hJ7kL0xC9vB6nM3qE==",
        "[DB_PASSWORD]",
    ),
    (
        "kubectl -n pay get secret db -o jsonpath='{.data}'",
        r#"{"k":"R1Q3cFEydlg5bUs0","user":"YXBwdXNlcg=="}"#,
        r#"{"k":"[DB_PASSWORD]","user":"YXBwdXNlcg=="}"#,
    ),
    (
        "kubectl get secret db -o json | jq -r '.data | map_values(@base64d)'",
        "{\n  \"k\": \"gT7pQ2vX9mK4\"\n}",
        "{\n  \"k\": \"[DB_PASSWORD]\"\n}",
    ),
    (
        "kubectl get secret/db -o go-template='{{range $k,$v := .data}}{{$k}}={{$v|base64decode}}{{end}}'",
        "k=gT7pQ2vX9mK4\nuser=app1234",
        "k=[DB_PASSWORD]\nuser=app1234",
    ),
    ("kubectl get secret db -o jsonpath='{.data.k}' | base64 -d", "gT7pQ2vX9mK4", "[DB_PASSWORD]"),
    ("kubectl get secret db -o jsonpath='{.data.k}'", "Z1Q3cFEydlg5bQ==", "[DB_PASSWORD]"),
    ("kubectl view-secret db --all", "k='gT7pQ2vX9mK4'", "k='[DB_PASSWORD]'"),
];

#[test]
fn secrets_that_a_command_prints() {
    for &(command, answer, expected) in SECRETS {
        assert_eq!(shown(command, answer), expected, "{command}");
    }
}

const HARMLESS: &[(&str, &str)] = &[
    (
        "aws dynamodb list-tables --query TableNames",
        "An error occurred (AccessDenied) when calling it",
    ),
    ("aws dynamodb list-tables --query TableNames", "None"),
    ("aws dynamodb list-tables --query 'length(TableNames)'", "12"),
    (
        "aws ec2 describe-instances --query 'Reservations[].Instances[].State.Name' --output text",
        "running\tstopped",
    ),
    (
        "aws ec2 describe-instances --query 'Reservations[].Instances[].InstanceType' --output text",
        "t3.micro",
    ),
    (
        "aws s3 ls s3://x/",
        "                           PRE logs/\n2024-05-14 10:11:12       1234 a.txt",
    ),
    ("aws ssm get-parameter --name x --query Parameter.Value --output text", "enabled"),
    ("grep -rl password src", "src/auth1.rs"),
    ("cat docs/password.md", "# Passwords"),
    ("cat secret.txt", "nothing"),
    ("echo done", "done"),
    ("echo $DB_PASSWORD", "\n"),
    ("aws dynamodb list-tables --query TableNames > t.json; ls", "Cargo.toml\nmain.tf\nsrc"),
    (
        "PGPASSWORD=$(aws secretsmanager get-secret-value --secret-id x --query SecretString --output text) psql -tAc x",
        "0042_add_users",
    ),
    ("echo \"API_TOKEN=$API_TOKEN\" >> .env && git branch --show-current", "feature/add-login-2"),
    ("aws eks list-clusters --query clusters --output text | wc -l; echo done", "done"),
    (
        "aws s3api list-objects-v2 --bucket x --query 'Contents[].Key'",
        "[\n  \"index.html\",\n  \"logs/app.log\"\n]",
    ),
    ("aws ec2 describe-tags --query 'Tags[].Key' --output text", "Name\tEnvironment"),
    ("aws cloudwatch list-metrics --query 'Metrics[].Namespace' --output text", "AWS/EC2\tAWS/RDS"),
    (
        "aws lambda list-functions --query 'Functions[0]'",
        "{\n  \"Architectures\": [\n    \"x86_64\"\n  ]\n}",
    ),
    ("aws ssm get-parameter --name x --query Parameter.Value --output text", "v1.2.3-rc4"),
    ("vault kv get -field=port secret/db_password", "543210"),
    ("git log --oneline -S password | head -1 | cut -c1-7", "a1b2c3d"),
    ("aws eks list-addons --cluster-name $C --query addons --output text", "vpc-cni\tcoredns"),
    (
        "aws secretsmanager get-secret-value --secret-id x --query SecretString --output text | jq -r .username",
        "app_user",
    ),
    ("aws lambda list-functions", "{\"Functions\": [{\"Architectures\": [\"x86_64\"]}]}"),
    ("aws eks describe-cluster --name $C", "{\"cluster\": {\"logging\": [\"api\", \"audit\"]}}"),
    (
        "aws ec2 describe-regions --output text",
        "REGIONS\tec2.eu-west-1.amazonaws.com\topted-in\teu-west-1",
    ),
    ("./check.sh || echo \"missing secret\"", "all-checks-ok"),
    ("date +%Y%m%d%H%M", "202605141011"),
    ("ls", "orders users"),
    ("echo \"pw: $DB_PASSWORD\"", "pw:"),
    ("echo \"pw: $DB_PASSWORD\"", "pw: "),
    (
        "aws secretsmanager get-secret-value --secret-id x --query SecretString --output text",
        "Unable to locate credentials. You can configure credentials by running aws configure",
    ),
    ("gcloud secrets versions access latest --secret=db", "ERROR: (gcloud) NOT_FOUND: Secret db"),
    ("op read op://prod/db/username", "app-user2"),
    ("echo \"- $PASSWORD\"; ls -l", "-\n-rw-r--r-- 1 root root\ndrwxr-xr-x 2 x-y z"),
    ("for secret in a b; do echo \"--- $secret ---\"; done", "--- db-secret ---\n+-----+\n-------"),
    ("echo \"API_KEY: ${API_KEY:+present}\"", "API_KEY: present"),
    ("echo \"$PASSWORD:\"; ls -R", "\n./sources:\nmain.rs"),
    ("for key in a b; do echo \"$key=$API_KEY\"; done", "main-branch=\nmain-branch="),
    ("echo \"pw $DB_PASSWORD\"; cat README", "pw\nspwan the thing"),
    (
        "aws secretsmanager get-secret-value --secret-id x | jq -r .VersionId",
        "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    ),
    (
        "aws ecs describe-services --query 'services[].{n:runningCount,r:desiredCount}' --output yaml",
        "- n: 2\n  r: 2",
    ),
    (
        "aws ecs describe-task-definition --task-definition x --query \"a[?name=='LOG_LEVEL2'].value\" --output text",
        "info2",
    ),
    ("aws ec2 describe-tags --query 'Tags[].[Key,Value]' --output text", "Team\tpay2"),
    ("aws cognito-idp list-user-pools --max-results 5", "{\"UserPools\": []}"),
    (
        "aws emr list-clusters",
        "{\"Clusters\": [{\"Status\": {\"State\": \"RUNNING\", \"Name\": \"a-b\"}}], \"Name\": \"a-c\"}",
    ),
    ("kubectl get secret db -o jsonpath='{.data.username}' | base64 -d", "app1234"),
    ("kubectl get configmap db -o jsonpath='{.data}'", r#"{"k":"info1234"}"#),
    ("kubectl get secrets", "db   Opaque   2   45d"),
    ("kubectl get secret db -o name", "secret/db-1234"),
];

#[test]
fn what_is_no_answer_stays() {
    for &(command, answer) in HARMLESS {
        assert_eq!(shown(command, answer), answer, "{command}");
    }
}

#[test]
fn results_are_found_in_all_formats() {
    let command = "aws dynamodb list-tables --query TableNames --output text";
    let arguments = json!({ "command": command }).to_string();
    let result = "orders\tusers";
    let gemini = |id: Value| {
        let mut call = json!({"name": "run", "args": {"command": command}});
        let mut response = json!({"name": "run", "response": {"output": result}});
        if !id.is_null() {
            call["id"] = id.clone();
            response["id"] = id;
        }
        json!({"contents": [{"role": "model", "parts": [{"functionCall": call}]},
            {"role": "user", "parts": [{"functionResponse": response}]}]})
    };
    for (format, body) in [
        (Format::Messages, session(command, result)),
        (
            Format::Messages,
            json!({"messages": [
            {"role": "assistant", "content": [
                {"type": "tool_use", "id": "a", "name": "b", "input": {"command": "ls"}},
                {"type": "tool_use", "id": "b", "name": "b", "input": {"args": ["bash", "-lc", command]}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "b", "content": [{"type": "text", "text": result}]},
                {"type": "tool_result", "tool_use_id": "a", "content": "x"}]}]}),
        ),
        (
            Format::Chat,
            json!({"messages": [
            {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "b", "arguments": arguments}}]},
            {"role": "tool", "tool_call_id": "c", "content": result}]}),
        ),
        (
            Format::Chat,
            json!({"messages": [
            {"role": "assistant", "function_call": {"name": "b", "arguments": arguments}},
            {"role": "function", "name": "b", "content": result}]}),
        ),
        (
            Format::Responses,
            json!({"input": [
            {"type": "function_call", "call_id": "c", "name": "b", "arguments": arguments},
            {"type": "function_call_output", "call_id": "c", "output": result}]}),
        ),
        (
            Format::Responses,
            json!({"input": [
            {"type": "shell_call", "call_id": "c", "action": {"commands": [command]}},
            {"type": "shell_call_output", "call_id": "c", "output": [{"stdout": result, "stderr": ""}]}]}),
        ),
        (
            Format::Responses,
            json!({"input": [
            {"type": "local_shell_call", "id": "i", "call_id": "c", "action": {"type": "exec",
                "command": ["aws", "dynamodb", "list-tables", "--query", "TableNames"]}},
            {"type": "local_shell_call_output", "id": "c", "output": result}]}),
        ),
        (Format::Gemini, gemini(Value::Null)),
        (Format::Gemini, gemini(json!("1"))),
        (
            Format::Converse,
            json!({"messages": [
            {"role": "assistant", "content": [{"toolUse": {"toolUseId": "c", "name": "b", "input": {"command": command}}}]},
            {"role": "user", "content": [{"toolResult": {"toolUseId": "c", "content": [{"text": result}]}}]}]}),
        ),
    ] {
        let masked = masked(format, &body).to_string();
        assert!(!masked.contains("orders") && masked.contains("TableNames"), "{format:?} {masked}");
    }
}

#[test]
fn what_agents_write_around_an_answer() {
    let table = "aws dynamodb list-tables --query TableNames --output text";
    for answer in [
        "Exit code: 0\nWall time: 0.1 seconds\nOutput:\norders\tusers\n",
        r#"{"output":"orders\tusers\n","metadata":{"exit_code":0}}"#,
        r#"{"stderr":"","stdout":"legacy\norders\n"}"#,
        r#"[{"type": "text", "text": "orders\n"}]"#,
        r#" {"result": {"stdout": "orders"}}"#,
        "Command: x\nDirectory: (root)\nOutput: orders\tlegacy\nError: (none)\nExit Code: 0",
        "Output: orders\nProcess Group PGID: 4711",
    ] {
        let shown = shown(table, answer);
        assert!(!shown.contains("orders") && shown.contains("[DYNAMODB]"), "{shown}");
    }
    let typed = |command: &str, text: &str| {
        let body = json!({"messages": [{"role": "user", "content": [
            {"type": "text", "text": format!("<bash-input>{command}</bash-input>")},
            {"type": "text", "text": format!("<bash-stdout>{text}</bash-stdout><bash-stderr></bash-stderr>")}]}]});
        kinds(
            masked(Format::Messages, &body)["messages"][0]["content"][1]["text"].as_str().unwrap(),
        )
    };
    for answer in [
        "Output: correcthorse\nProcess Group PGID: 4711",
        r#"{"output":"correcthorse","status":"completed"}"#,
    ] {
        let shown = shown("printenv DB_PASSWORD", answer);
        assert_eq!(shown, answer.replace("correcthorse", "[DB_PASSWORD]"));
    }
    let closed = "</bash-stdout><bash-stderr></bash-stderr>";
    assert_eq!(typed(table, "orders\tx1"), format!("<bash-stdout>[DYNAMODB]\t[DYNAMODB]{closed}"));
    assert_eq!(
        typed("printenv DB_PASSWORD", "correcthorse"),
        format!("<bash-stdout>[DB_PASSWORD]{closed}")
    );
    assert_eq!(typed("ls", "orders\tx1"), format!("<bash-stdout>orders\tx1{closed}"));
}

#[test]
fn what_others_print_is_not_learned() {
    let table = "aws dynamodb list-tables --query TableNames --output text";
    for (command, learned) in [(table.to_owned(), true), (format!("ls; {table}"), false)] {
        let mut body = session(&command, "main-table.tf");
        let later = json!({"role": "user", "content": "see main-table.tf"});
        body["messages"].as_array_mut().unwrap().push(later);
        let masked = masked(Format::Messages, &body);
        assert!(!masked["messages"][2].to_string().contains("main-table.tf"), "{command}");
        assert_eq!(
            !masked["messages"][3].to_string().contains("main-table.tf"),
            learned,
            "{command}"
        );
    }
}

#[test]
fn only_the_users_commands_count_and_only_once() {
    let text =
        |role: &str, text: &str| json!({"role": role, "content": [{"type": "text", "text": text}]});
    let asked = "<bash-input>printenv DB_PASSWORD</bash-input>";
    let printed = "<bash-stdout>correcthorse</bash-stdout>";
    for (messages, goes) in [
        (json!([text("user", asked), text("user", printed)]), true),
        (json!([text("user", asked), text("assistant", printed)]), false),
        (json!([text("assistant", asked), text("user", printed)]), false),
        (json!([text("user", asked), text("assistant", "x"), text("user", printed)]), false),
    ] {
        let masked = masked(Format::Messages, &json!({ "messages": messages })).to_string();
        assert_eq!(!masked.contains("correcthorse"), goes, "{messages}");
    }
}

#[test]
fn calls_of_a_function_are_told_by_their_order() {
    let call =
        |command: &str| json!({"functionCall": {"name": "run", "args": {"command": command}}});
    let result =
        |text: &str| json!({"functionResponse": {"name": "run", "response": {"output": text}}});
    let table = "aws dynamodb list-tables --query TableNames --output text";
    let long = format!("ls {}", "x".repeat(9000));
    let turns = |turns: &[(&str, Vec<Value>)]| {
        let content = |(role, parts): &(&str, Vec<Value>)| json!({"role": role, "parts": parts});
        json!({"contents": turns.iter().map(content).collect::<Vec<_>>()})
    };
    for body in [
        turns(&[
            ("model", vec![call(&long), call(table)]),
            ("user", vec![result("running"), result("orders")]),
        ]),
        turns(&[
            ("model", vec![call("ls")]),
            ("user", vec![json!({"text": "no"})]),
            ("model", vec![call(table)]),
            ("user", vec![result("orders")]),
        ]),
        json!({"requests": [
            turns(&[("model", vec![call(table)])]),
            turns(&[("model", vec![call("ls")]), ("user", vec![result("running")])]),
        ]}),
        json!({"requests": [
            turns(&[("model", vec![call(table)])]),
            turns(&[("user", vec![result("running")])]),
        ]}),
    ] {
        let masked = masked(Format::Gemini, &body).to_string();
        assert!(!masked.contains("orders"), "{masked}");
        assert_eq!(masked.contains("running"), body.to_string().contains("running"), "{masked}");
    }
}

#[test]
fn what_a_search_or_a_file_holds_is_no_command() {
    for input in
        [json!({"pattern": "echo $DB_PASSWORD"}), json!({"content": "printenv DB_PASSWORD"})]
    {
        let mut body = session("", "src/config7.rs");
        body["messages"][1]["content"][0]["input"] = input;
        assert_eq!(masked(Format::Messages, &body), body);
    }
}

#[test]
fn a_result_belongs_to_its_call() {
    let mut body = session("aws dynamodb list-tables --query TableNames", "orders");
    body["messages"][2]["content"][0]["tool_use_id"] = json!("toolu_2");
    assert!(masked(Format::Messages, &body).to_string().contains("orders"));
    // What the provider runs works with placeholders.
    let mut body = session("aws dynamodb list-tables --query TableNames", "orders");
    body["messages"][2]["content"][0]["type"] = json!("mcp_tool_result");
    assert!(masked(Format::Messages, &body).to_string().contains("orders"));
}

#[test]
fn a_result_that_comes_again_is_masked_by_its_own_command() {
    let masker = Masker { resent: Resent::new(4 << 20), ..masker() };
    let answer = format!("orders\n{}\n", "more than enough text to be kept ".repeat(8));
    let table = "aws dynamodb list-tables --query TableNames --output text";
    // Of the same length.
    let other = table.replace("aws", "sed");
    for (command, goes) in [(table, true), (other.as_str(), false), (table, true)] {
        let source = session(command, &answer).to_string();
        let (masked, ..) = mask(&masker, &SCOPE, Form::Json(Format::Messages), &source).unwrap();
        assert_eq!(!masked.contains("orders"), goes, "{command}");
    }
}

/// What a tool that runs no commands answers.
fn answered(input: &Value, answer: &str) -> String {
    let mut body = session("", answer);
    body["messages"][1]["content"][0]["input"] = input.clone();
    let masked = masked(Format::Messages, &body);
    kinds(masked["messages"][2]["content"][0]["content"].as_str().unwrap())
}

#[test]
fn a_tool_answers_with_the_secret_that_its_input_names() {
    for (input, answer, expected) in [
        (json!({"secretName": "pay/prod/db"}), "hunter2Sommer9", "[DB_PASSWORD]"),
        (json!({"SecretId": "pay"}), "\"hunter2Sommer9\"\n", "\"[DB_PASSWORD]\"\n"),
        (
            json!({"name": "/pay/DB_PASSWORD", "withDecryption": true}),
            "hunter2Sommer9",
            "[DB_PASSWORD]",
        ),
        (json!({"options": {"variable": "DB_PASSWORD"}}), "hunter2Sommer9", "[DB_PASSWORD]"),
        (
            json!({"file_path": "/run/secrets/db_password"}),
            "     1\thunter2Sommer9\n",
            "     1\t[DB_PASSWORD]\n",
        ),
        (json!({"path": "db_password.txt"}), "     1→hunter2Sommer9", "     1→[DB_PASSWORD]"),
        (json!({"name": "/pay/DB_HOST"}), "hunter2Sommer9", "hunter2Sommer9"),
        (json!({"secretName": "pay/prod/db"}), "Created", "Created"),
        (json!({"secretName": "pay"}), "2 secrets are deleted", "2 secrets are deleted"),
        (json!({"pattern": "db_password"}), "src/db2.rs", "src/db2.rs"),
        (
            json!({"path": "src/password", "pattern": "x"}),
            "src/password/a1.rs",
            "src/password/a1.rs",
        ),
        (json!({"secretName": "pay", "value": "x"}), "hunter2Sommer9", "hunter2Sommer9"),
        (json!({"path": "password.ts"}), "export_async9(x)", "export_async9(x)"),
        (
            json!({"file_path": "/run/secrets/password"}),
            "hunter2Sommer9\nlogin_v2.rs",
            "hunter2Sommer9\nlogin_v2.rs",
        ),
        (json!({"file_path": "src/password.rs"}), "     1\tmod hash2;", "     1\tmod hash2;"),
    ] {
        assert_eq!(answered(&input, answer), expected, "{input}");
    }
}

#[test]
fn what_an_operation_lists_has_names() {
    for (command, answer, expected) in LISTED {
        assert_eq!(shown(command, answer), *expected, "{command}");
    }
}

const LISTED: &[(&str, &str, &str)] = &[
    (
        "aws cognito-idp list-user-pools --max-results 5",
        "{\"UserPools\": [{\"Id\": \"eu-west-1_AbCdEfGhI\", \"LambdaConfig\": {\"Name\": \"a-b\"}, \"Name\": \"pay-customers\"}]}",
        "{\"UserPools\": [{\"Id\": \"[USER_POOL]\", \"LambdaConfig\": {\"Name\": \"a-b\"}, \"Name\": \"[USER_POOL]\"}]}",
    ),
    (
        "aws emr list-clusters --active; aws s3 cp a s3://b/c",
        "{\n    \"Clusters\": [\n        {\n            \"Name\": \"risk-batch\",\n            \"Status\": {\n                \"Name\": \"up-1\"\n            }\n        }\n    ],\n    \"Name\": \"x-1\"\n}",
        "{\n    \"Clusters\": [\n        {\n            \"Name\": \"[RESOURCE]\",\n            \"Status\": {\n                \"Name\": \"up-1\"\n            }\n        }\n    ],\n    \"Name\": \"x-1\"\n}",
    ),
    (
        "aws apigateway get-rest-apis",
        "{\"items\":[{\"id\":\"abc123defg\",\"name\":\"pay-edge\",\"tags\":{\"name\":\"x-1\"}}]}",
        "{\"items\":[{\"id\":\"[API]\",\"name\":\"[API]\",\"tags\":{\"name\":\"x-1\"}}]}",
    ),
    (
        "aws ecs describe-services --query 'services[].{n:serviceName,r:runningCount}' --output yaml",
        "- n: settlesvc\n  r: 2",
        "- n: [ECS_SERVICE]\n  r: 2",
    ),
    (
        "aws batch describe-job-queues | head -50",
        "{\"jobQueues\":[{\"jobQueueName\":\"nightly-risk\"}]}",
        "{\"jobQueues\":[{\"jobQueueName\":\"[BATCH]\"}]}",
    ),
    (
        "aws ecr describe-images --repository-name x",
        "{\"imageDetails\":[{\"imageTags\":[\"v1\"]}]}",
        "{\"imageDetails\":[{\"imageTags\":[\"v1\"]}]}",
    ),
    (
        "aws glue get-job --job-name x",
        "{\"Job\":{\"Name\":\"ledger-etl\",\"Command\":{\"Name\":\"glue-etl\"}}}",
        "{\"Job\":{\"Name\":\"[GLUE_JOB]\",\"Command\":{\"Name\":\"glue-etl\"}}}",
    ),
];

#[test]
fn a_name_and_its_value_are_two_fields() {
    let input = |input: &Value| {
        let body = json!({"messages": [{"role": "assistant", "content": [
            {"type": "tool_use", "id": "t", "name": "put", "input": input}]}]});
        masked(Format::Messages, &body)["messages"][0]["content"][0]["input"].clone()
    };
    for (name, value, secret) in [
        ("name", "value", "hunter2!x"),
        ("Key", "Value", "hunter2!x"),
        ("ParameterKey", "ParameterValue", "hunter2!x"),
        ("variable_name", "variable_value", "hunter2!x"),
    ] {
        for between in [false, true] {
            let mut fields = json!({name: "DB_PASSWORD"});
            if between {
                fields["description"] = json!("of the database");
            }
            fields[value] = json!(secret);
            let masked = input(&fields)[value].as_str().unwrap().to_owned();
            assert!(masked.starts_with("SECRET_DB_PASSWORD_"), "{fields} {masked}");
        }
    }
    let secure = json!({"Name": "/app/x", "Value": "hunter2!x", "Type": "SecureString"});
    assert!(input(&secure)["Value"].as_str().unwrap().starts_with("SECRET_DB_PASSWORD_"));
    let account = json!({"name": "account_id", "value": 749312086455_u64});
    assert!(input(&account)["value"].as_str().unwrap().starts_with("AWS_ACCOUNT"), "{account}");
    for stays in [
        json!({"name": "color", "value": "hunter2!x"}),
        json!({"Name": "/app/x", "Value": "hunter2!x", "Type": "String"}),
        json!({"Key": "Name", "Value": "web"}),
    ] {
        assert_eq!(input(&stays), stays);
    }
}

#[test]
fn what_was_printed_is_restored() {
    let source = session("printenv DB_PASSWORD", "x8#kLq2z");
    let form = Form::Json(Format::Messages);
    let (masked, table, _) = mask(&MASKER, &SCOPE, form, &source.to_string()).unwrap();
    let (back, _) = unmask(form, &masked, 64, &table);
    assert_eq!(serde_json::from_str::<Value>(&back).unwrap(), source);
}

/// What the commands list goes through programs that pick words of it, or into what is said.
#[test]
fn through_other_programs() {
    for (command, answer, expected) in [
        (
            "aws eks list-clusters --output text | awk '{print $2}'",
            "kestrelprd\nkestrelstg\n",
            "[EKS_CLUSTER]\n[EKS_CLUSTER]\n",
        ),
        (
            "aws lambda list-functions | grep FunctionName | cut -d'\"' -f4",
            "nightlyRecon\n",
            "[LAMBDA]\n",
        ),
        (
            "for a in $(aws organizations list-accounts --query 'Accounts[].Id' --output text); do echo \"== $a\"; done",
            "== 749312086455\n",
            "== [ACCOUNT]\n",
        ),
        (
            "aws organizations list-accounts | jq -r '.Accounts[] | \"\\(.Id) \\(.Name)\"'",
            "749312086455 Falcon Prod\n",
            "[ACCOUNT] Falcon Prod\n",
        ),
        ("cat /run/secrets/db", "correcthorse\n", "[DB_PASSWORD]\n"),
        ("kubectl exec api -- cat /vault/secrets/db", "correcthorse\n", "[DB_PASSWORD]\n"),
        ("wg genkey", "yAnz5TFlXXJte14tji3zlMNqhd2rYUIgJBgB3fBmk=\n", "[DB_PASSWORD]\n"),
    ] {
        assert_eq!(shown(command, answer), expected, "{command}");
    }
}

#[test]
fn what_is_cut_out_of_a_line_that_a_name_selects_is_masked() {
    for command in [
        "grep DB_PASS .env | cut -d= -f2",
        "cat .env | grep DB_PASSWORD | cut -d'=' -f2-",
        "awk -F= '/PASSWORD/{print $2}' app.env",
        "grep password app.yml | awk '{print $NF}'",
        "grep -oP 'password:\\s*\\K\\S+' app.yml",
        "sed -n 's/^DB_PASSWORD=//p' .env",
        "kubectl get secret db -o yaml | awk '/password/{print $2}' | base64 -d",
        "wp config get DB_PASSWORD",
    ] {
        assert_eq!(shown(command, "correcthorse9\n"), "[DB_PASSWORD]\n", "{command}");
    }
    let phrase = shown("grep password app.yml | cut -d: -f2", "one correcthorse9 two");
    assert_eq!(phrase, "[DB_PASSWORD]");
    for (command, answer) in [
        ("grep -rn password src | cut -d: -f1 | sort -u", "src/auth2.rs\nsrc/user2.rs"),
        ("kubectl get secret | awk '/token/{print $1}'", "default-token-8xk2q"),
        ("awk -F: '/root/{print $3}' /etc/passwd", "correcthorse9"),
        ("grep -rn password src | cut -d: -f2", "42"),
        ("grep user app.yml | cut -d: -f2", "correcthorse9"),
        ("grep password app.yml", "correcthorse9 is said"),
        ("sed -n '1,20s/password/PASSWORD/p' README.md", "Use a PASSWORD of 12 signs."),
    ] {
        assert_eq!(shown(command, answer), answer, "{command}");
    }
}

#[test]
fn an_answer_without_a_letter_of_ascii_is_read() {
    assert_eq!(shown("cat id", "ｉ－０１２３４５６７８９ａｂｃｄｅｆ０"), "[EC2]");
}
