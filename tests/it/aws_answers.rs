//! What AWS's services answer, to commands and to other tools: names that their service or the
//! name beside them tells.

use masker::body::select::Format;
use serde_json::{Value, json};

use crate::printed::{kinds, masked, shown};

fn check(cases: &[(&str, &str, &str)]) {
    for (command, answer, expected) in cases {
        assert_eq!(shown(command, answer), *expected, "{command}");
    }
}

#[test]
fn stacks_say_what_they_put_out() {
    check(&[
        (
            "aws cloudformation describe-stacks --stack-name x --query 'Stacks[0].Outputs[].[OutputKey,OutputValue]' --output text",
            "RawBucketName\traw\nTableName\tledger\nApiVersion\tv1-x\nDbPassword\tKv7#mTq2wLz9\nOwnerName\tpay-core\nStage\tprod-1",
            "RawBucketName\t[S3_BUCKET]\nTableName\t[DYNAMODB]\nApiVersion\tv1-x\nDbPassword\t[DB_PASSWORD]\nOwnerName\t[RESOURCE]\nStage\tprod-1",
        ),
        (
            "aws cloudformation describe-stacks --query \"Stacks[0].Outputs[?OutputKey=='OrdersTable'].OutputValue\" --output text",
            "orders",
            "[DYNAMODB]",
        ),
        (
            "aws cloudformation list-exports --query 'Exports[].[Name,Value]' --output text",
            "net-raw-bucket\traw",
            "[RESOURCE]\t[S3_BUCKET]",
        ),
        (
            "aws cloudformation list-stack-resources --stack-name x",
            r#"{"StackResourceSummaries":[{"LogicalResourceId":"Fn","PhysicalResourceId":"settle","ResourceType":"AWS::Lambda::Function"}]}"#,
            r#"{"StackResourceSummaries":[{"LogicalResourceId":"Fn","PhysicalResourceId":"[RESOURCE]","ResourceType":"AWS::Lambda::Function"}]}"#,
        ),
    ]);
}

#[test]
fn tags_are_picked_by_their_key() {
    check(&[
        (
            "aws ec2 describe-instances --query \"Reservations[].Instances[].[InstanceId,Tags[?Key=='Name'].Value|[0],State.Name]\" --output text",
            "i-0ab12cd34ef56ab78\tbastion\trunning\ni-0ab12cd34ef56ab79\tNone\tstopped",
            "[EC2]\t[RESOURCE]\trunning\n[EC2]\tNone\tstopped",
        ),
        (
            "aws ec2 describe-vpcs --query \"Vpcs[].{Id:VpcId,Name:Tags[?Key=='Name']|[0].Value}\" --output json",
            r#"[{"Id":"vpc-0ab12cd34ef56ab78","Name":"main"}]"#,
            r#"[{"Id":"[VPC]","Name":"[RESOURCE]"}]"#,
        ),
        (
            r#"aws ec2 describe-instances | jq -r '.Reservations[].Instances[]|[.InstanceId,(.Tags[]|select(.Key=="Name").Value)]|@tsv'"#,
            "i-0ab12cd34ef56ab78\tbastion",
            "[EC2]\t[RESOURCE]",
        ),
        (
            "aws ec2 describe-tags --query \"Tags[?Key=='Team'].Value\" --output text",
            "pay-core",
            "pay-core",
        ),
        (
            "aws ec2 describe-vpcs",
            r#"{"Vpcs":[{"Tags":[{"Key":"Name","Value":"main"},{"Key":"Team","Value":"pay-core"},{"Key":"Role","Value":"web"}]}]}"#,
            r#"{"Vpcs":[{"Tags":[{"Key":"Name","Value":"[RESOURCE]"},{"Key":"Team","Value":"pay-core"},{"Key":"Role","Value":"web"}]}]}"#,
        ),
    ]);
}

#[test]
fn members_mean_what_their_service_says() {
    check(&[
        (
            "aws rds describe-db-clusters",
            r#"{"DBClusters":[{"DatabaseName":"core","Status":"available","DBSubnetGroup":"nets"}]}"#,
            r#"{"DBClusters":[{"DatabaseName":"[GLUE_DB]","Status":"available","DBSubnetGroup":"[RDS_GROUP]"}]}"#,
        ),
        (
            "aws rds describe-db-instances --query 'DBInstances[].DBName' --output text",
            "core",
            "[RDS_DB]",
        ),
        (
            "aws iam list-account-aliases --query 'AccountAliases[0]' --output text",
            "pay",
            "[ACCOUNT_ALIAS]",
        ),
        (
            "aws iam list-account-aliases",
            r#"{"AccountAliases":["pay"]}"#,
            r#"{"AccountAliases":["[ACCOUNT_ALIAS]"]}"#,
        ),
        (
            "aws cloudfront list-distributions --query 'DistributionList.Items[*].{id:Id,s:Status}' --output json",
            r#"[{"id":"E2QWRTYUIOP123","s":"Deployed"}]"#,
            r#"[{"id":"[CLOUDFRONT]","s":"Deployed"}]"#,
        ),
        (
            "aws ce get-cost-and-usage --group-by Type=DIMENSION,Key=LINKED_ACCOUNT",
            r#"{"ResultsByTime":[{"Groups":[{"Keys":["749312086455"]},{"Keys":["Amazon EC2"]}]}]}"#,
            r#"{"ResultsByTime":[{"Groups":[{"Keys":["[ACCOUNT]"]},{"Keys":["Amazon EC2"]}]}]}"#,
        ),
        (
            "aws organizations list-organizational-units-for-parent --parent-id x",
            r#"{"OrganizationalUnits":[{"Id":"ou-ab12-cdef3456","Name":"Workloads"}]}"#,
            r#"{"OrganizationalUnits":[{"Id":"[ORG_UNIT]","Name":"[ORG_UNIT]"}]}"#,
        ),
        (
            "aws codebuild batch-get-projects --names x",
            r#"{"projects":[{"name":"build","source":{"type":"GITHUB"}}]}"#,
            r#"{"projects":[{"name":"[CODEBUILD]","source":{"type":"GITHUB"}}]}"#,
        ),
        (
            "aws ssm get-parameters-by-path --path /x",
            r#"{"Parameters":[{"Name":"/pay/bucket","Type":"String"}]}"#,
            r#"{"Parameters":[{"Name":"/[SSM_PARAM]","Type":"String"}]}"#,
        ),
        (
            "aws ecs describe-task-definition --task-definition x",
            r#"{"taskDefinition":{"family":"settle","containerDefinitions":[{"secrets":[{"name":"API","valueFrom":"pay/api"}]}]}}"#,
            r#"{"taskDefinition":{"family":"[ECS_TASKDEF]","containerDefinitions":[{"secrets":[{"name":"API","valueFrom":"[SSM_PARAM]"}]}]}}"#,
        ),
    ]);
}

#[test]
fn secrets_in_answers() {
    check(&[
        (
            "aws ec2 get-password-data --instance-id x --query PasswordData --output text",
            "correcthorse",
            "[DB_PASSWORD]",
        ),
        (
            "aws ec2 get-password-data --instance-id x",
            r#"{"PasswordData":"correcthorse","Timestamp":"2024-05-14"}"#,
            r#"{"PasswordData":"[DB_PASSWORD]","Timestamp":"2024-05-14"}"#,
        ),
        (
            "aws apigateway get-api-keys --include-values",
            r#"{"items":[{"id":"a1b2c3d4e5","value":"qRtYwKdLmXvBnZcHsJfGpTuEaWio","enabled":true}]}"#,
            r#"{"items":[{"id":"[API]","value":"[DB_PASSWORD]","enabled":true}]}"#,
        ),
        (
            "aws secretsmanager get-secret-value --secret-id pay",
            r#"{"Name":"pay","SecretString":"{\"u\":\"adm\",\"stripe\":\"gT7pQ2vX9mK4\",\"port\":\"543210\"}","VersionStages":["AWSCURRENT"]}"#,
            r#"{"Name":"[SECRET]","SecretString":"{\"u\":\"adm\",\"stripe\":\"[DB_PASSWORD]\",\"port\":\"543210\"}","VersionStages":["AWSCURRENT"]}"#,
        ),
        (
            "aws secretsmanager batch-get-secret-value --secret-id-list x",
            r#"{"SecretValues":[{"Name":"pay","SecretString":"correcthorse"}]}"#,
            r#"{"SecretValues":[{"Name":"[SECRET]","SecretString":"[DB_PASSWORD]"}]}"#,
        ),
        (
            "aws cognito-idp describe-user-pool-client --user-pool-id x --client-id y",
            r#"{"UserPoolClient":{"ClientName":"web","ClientSecret":"abcdefghijklmnop"}}"#,
            r#"{"UserPoolClient":{"ClientName":"[COGNITO_CLIENT]","ClientSecret":"[DB_PASSWORD]"}}"#,
        ),
        (
            "aws secretsmanager get-secret-value --secret-id x --query SecretString --output text | python3 -m json.tool",
            "{\n    \"u\": \"adm\",\n    \"stripe\": \"gT7pQ2vX9mK4\"\n}",
            "{\n    \"u\": \"adm\",\n    \"stripe\": \"[DB_PASSWORD]\"\n}",
        ),
    ]);
}

#[test]
fn what_stands_in_all_accounts_stays() {
    for (command, answer) in [
        ("aws athena list-work-groups --query 'WorkGroups[].Name'", "[\"primary\"]"),
        (
            "aws cloudformation list-stacks --query 'StackSummaries[].StackName' --output text",
            "CDKToolkit",
        ),
        (
            "aws iam list-roles --query 'Roles[].RoleName' --output text",
            "OrganizationAccountAccessRole",
        ),
        ("aws xray get-groups --query 'Groups[].GroupName' --output text", "Default"),
        ("aws logs describe-log-groups --query 'logGroups[].logGroupName'", "[\"RDSOSMetrics\"]"),
        (
            "aws ec2 describe-images --query 'Images[].Name' --output text",
            "al2023-ami-2023.1-x86_64",
        ),
        (
            "aws ssm list-documents --query 'DocumentIdentifiers[].Name' --output text",
            "AWS-RunShellScript\tAmazonCloudWatch-ManageAgent",
        ),
        (
            "aws cloudwatch list-metrics",
            r#"{"Metrics":[{"Dimensions":[{"Name":"Currency","Value":"USD"}]}]}"#,
        ),
        (
            "aws logs start-query --query-string x",
            r#"{"queryId":"12ab34cd-1234-1234-1234-1234567890ab"}"#,
        ),
        ("aws ecs list-task-definition-families", r#"{"nextToken":"x-1"}"#),
        (
            "aws autoscaling describe-auto-scaling-groups --output yaml",
            "AutoScalingGroups:\n- AvailabilityZones:\n  - eu-west-1a\n",
        ),
    ] {
        assert_eq!(shown(command, answer), answer, "{command}");
    }
}

/// What a tool of this name is given, and what it answers.
fn called(tool: &str, input: &Value, answer: &str) -> (String, String) {
    let masked = masked(
        Format::Messages,
        &json!({"messages": [
            {"role": "user", "content": "look"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": tool, "input": input}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": answer}]},
        ]}),
    );
    let input = masked["messages"][1]["content"][0]["input"].to_string();
    (kinds(&input), kinds(masked["messages"][2]["content"][0]["content"].as_str().unwrap()))
}

#[test]
fn tools_that_work_with_aws_are_told_by_their_names() {
    for (tool, input, answer, expected) in [
        (
            "mcp__dynamodb__scan",
            json!({"table_name": "Ledger"}),
            r#"{"Count":1,"table_name":"Ledger"}"#,
            (r#"{"table_name":"[DYNAMODB]"}"#, r#"{"Count":1,"table_name":"[DYNAMODB]"}"#),
        ),
        (
            "mcp__eks__list_k8s_resources",
            json!({"cluster_name": "plat", "kind": "Pod", "name": "web-1"}),
            "{}",
            (r#"{"cluster_name":"[EKS_CLUSTER]","kind":"Pod","name":"web-1"}"#, "{}"),
        ),
        (
            "mcp__ecs__ecs_resource_management",
            json!({"api_operation": "DescribeServices", "api_params": {"cluster": "core", "services": ["settle"]}}),
            r#"{"services":[{"serviceName":"settle","status":"ACTIVE"}]}"#,
            (
                r#"{"api_operation":"DescribeServices","api_params":{"cluster":"[ECS_CLUSTER]","services":["[ECS_SERVICE]"]}}"#,
                r#"{"services":[{"serviceName":"[ECS_SERVICE]","status":"ACTIVE"}]}"#,
            ),
        ),
        (
            "call_aws",
            json!({"cli_command": "aws glue get-jobs"}),
            r#"{"response":{"status_code":200,"as_json":"{\"Jobs\":[{\"Name\":\"etl\"}]}"}}"#,
            (
                r#"{"cli_command":"aws glue get-jobs"}"#,
                r#"{"response":{"status_code":200,"as_json":"{\"Jobs\":[{\"Name\":\"[GLUE_JOB]\"}]}"}}"#,
            ),
        ),
        (
            "mcp__postgres__query",
            json!({"table_name": "Ledger", "cluster": "core"}),
            r#"{"table_name":"Ledger"}"#,
            (r#"{"cluster":"core","table_name":"Ledger"}"#, r#"{"table_name":"Ledger"}"#),
        ),
    ] {
        let (given, answered) = called(tool, &input, answer);
        assert_eq!((given.as_str(), answered.as_str()), expected, "{tool}");
    }
    // In OpenAI's format the input stands in a string.
    let call = json!({"messages": [{"role": "assistant", "tool_calls": [
        {"id": "t", "type": "function", "function": {"name": "dynamodb_scan", "arguments": "{\"table_name\":\"Ledger\"}"}}]}]});
    let masked = masked(Format::Chat, &call);
    let arguments = &masked["messages"][0]["tool_calls"][0]["function"]["arguments"];
    assert_eq!(kinds(arguments.as_str().unwrap()), r#"{"table_name":"[DYNAMODB]"}"#);
}
