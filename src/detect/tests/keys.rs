//! Names whose shape says nothing, by their keys alone.

use super::check;

#[test]
fn a_key_of_awss_own_suffices() {
    check(&[
        ("DBInstanceIdentifier", "prod", "[RDS]"),
        ("dbInstanceIdentifier", "prod-db", "[RDS]"),
        ("FunctionName", "render", "[LAMBDA]"),
        (
            "",
            r#"{"DBInstanceIdentifier": "prod", "Engine": "mysql"}"#,
            r#"{"DBInstanceIdentifier": "[RDS]", "Engine": "mysql"}"#,
        ),
        ("", r#"{\"FunctionName\": \"render\"}"#, r#"{\"FunctionName\": \"[LAMBDA]\"}"#),
        ("", "db_instance_identifier = \"prod\"", "db_instance_identifier = \"[RDS]\""),
        ("", "DB_INSTANCE_IDENTIFIER=prod\nX=1", "DB_INSTANCE_IDENTIFIER=[RDS]\nX=1"),
        (
            "",
            "DBInstanceIdentifier: prod\nEngine: mysql",
            "DBInstanceIdentifier: [RDS]\nEngine: mysql",
        ),
        (
            "",
            "x --db-instance-identifier prod --engine mysql",
            "x --db-instance-identifier [RDS] --engine mysql",
        ),
        ("", "x --db-instance-identifier=prod-db", "x --db-instance-identifier=[RDS]"),
        (
            "",
            "<DBInstanceIdentifier>prod</DBInstanceIdentifier>",
            "<DBInstanceIdentifier>[RDS]</DBInstanceIdentifier>",
        ),
        (
            "",
            r#""AutoScalingGroupNames": ["web-1", "web"]"#,
            r#""AutoScalingGroupNames": ["[ASG]", "[ASG]"]"#,
        ),
        (
            "",
            "--auto-scaling-group-names web-1 'web' --x y",
            "--auto-scaling-group-names [ASG] '[ASG]' --x y",
        ),
    ]);
}

#[test]
fn lists_below_a_key() {
    check(&[
        (
            "",
            "Type: AWS::X\nSubnetIds:\n  - prod-a\n  - test",
            "Type: AWS::X\nSubnetIds:\n  - [SUBNET]\n  - [SUBNET]",
        ),
        (
            "",
            "AutoScalingGroupNames:\r\n- web\r\n- 'web 1'\r\n- \"web-2\"\r\nX: y",
            "AutoScalingGroupNames:\r\n- [ASG]\r\n- 'web 1'\r\n- \"[ASG]\"\r\nX: y",
        ),
        (
            "",
            "DBInstanceIdentifiers:\n- !Ref Orders\n- orders\n- Key: x\n- more",
            "DBInstanceIdentifiers:\n- !Ref Orders\n- [RDS]\n- Key: x\n- more",
        ),
        ("", "function_names:\n- render\n", "function_names:\n- render\n"),
    ]);
}

#[test]
fn values_with_spaces() {
    let sign = "arn:aws:s3:::* ";
    check(&[
        ("AlarmName", "High CPU (orders)", "[ALARM])"),
        ("", r#""AlarmName": "High CPU", "x": 1"#, r#""AlarmName": "[ALARM]", "x": 1"#),
        (
            "",
            "aws cloudwatch x --alarm-names 'High CPU'",
            "aws cloudwatch x --alarm-names '[ALARM]'",
        ),
    ]);
    for text in [
        r#""AlarmName": "The name of the alarm""#,
        r#""DBInstanceIdentifier": "High CPU""#,
        r#""FunctionName": "two words""#,
    ] {
        let text = format!("{sign}{text}");
        check(&[("", &text, &text)]);
    }
}

#[test]
fn a_flag_begins_at_a_word() {
    check(&[
        ("", r"x\n--hosted-zone-id a-b", r"x\n--hosted-zone-id [HOSTED_ZONE]"),
        ("", "x--hosted-zone-id a-b", "x--hosted-zone-id a-b"),
    ]);
}

#[test]
fn tables_of_the_command_line() {
    check(&[
        ("", "|  DBInstanceIdentifier  |  prod-db |", "|  DBInstanceIdentifier  |  [RDS] |"),
        (
            "",
            "+---+---+\n| DBInstanceIdentifier | Engine |\n+---+---+\n| prod | mysql |\n| test | mysql |\n+---+---+",
            "+---+---+\n| DBInstanceIdentifier | Engine |\n+---+---+\n| [RDS] | mysql |\n| [RDS] | mysql |\n+---+---+",
        ),
    ]);
}

#[test]
fn other_keys_need_signs_of_aws() {
    check(&[
        ("functionName", "render", "render"),
        (
            "",
            "aws lambda invoke --function-name render out.json",
            "aws lambda invoke --function-name [LAMBDA] out.json",
        ),
        (
            "",
            "resource \"aws_lambda_function\" \"x\" {\n  function_name = \"render\"\n}",
            "resource \"aws_lambda_function\" \"x\" {\n  function_name = \"[LAMBDA]\"\n}",
        ),
        (
            "",
            "Type: AWS::Lambda::Function\nProperties:\n  FunctionName: render",
            "Type: AWS::Lambda::Function\nProperties:\n  FunctionName: [LAMBDA]",
        ),
        (
            "",
            "{\"functionName\": \"render\", \"host\": \"i-0123456789abcdef0\"}",
            "{\"functionName\": \"[LAMBDA]\", \"host\": \"[EC2]\"}",
        ),
        ("", "functionName: \"render\" 10.1.2.3", "functionName: \"render\" [PRIVATE_IP]"),
        (
            "",
            "import boto3\nx.invoke(FunctionName='render')",
            "import boto3\nx.invoke(FunctionName='[LAMBDA]')",
        ),
    ]);
}

#[test]
fn ordinary_code_stays() {
    let aws = "arn:aws:s3:::* ";
    for text in [
        "functionName: \"render\"",
        "user_name = \"bob\"",
        "@Table(tableName = \"orders\")",
        "cmd --function-name render",
        "aws is a cloud; function_name = \"render\"",
        "let clusterName = cluster.name;",
        "UserName: \"bob\",",
    ] {
        check(&[("", text, text)]);
    }
    for text in [
        "FunctionName: !Ref Render",
        "FunctionName: !Sub \"${AWS::StackName}-x\"",
        "function_name = var.name",
        "function_name = \"${var.name}-x\"",
        "\"FunctionName\": null, \"TableName\": \"string\"",
        "FunctionName: string\nfunctionName: FunctionName",
        "aws lambda invoke --function-name <name> --function-name $NAME",
        "\"FunctionName\": \"function_name\"",
        "\"FunctionName\": \"The name of the function\"",
        "\"DBSubnetGroupName\": \"default\", \"AliasName\": \"alias/aws/s3\"",
        "function_name=name, function_name=self.name, function_name=f(x)",
        "FunctionName::new() FunctionName == \"render\"",
        "\"RegionName\": \"us-east-1\", \"EventName\": \"PutObject\", \"MetricName\": \"Errors\"",
        "\"ServiceName\": \"lambda\", \"AttributeName\": \"orderId\", \"Name\": \"render\"",
    ] {
        let text = format!("{aws}{text}");
        check(&[("", &text, &text)]);
    }
}
