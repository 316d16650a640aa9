//! Values that are named by what stands beside them.

use super::check;

#[test]
fn outputs_and_parameters_of_stacks() {
    check(&[
        (
            "",
            r#"{"OutputKey":"RawBucketName","OutputValue":"raw","Description":"x"}"#,
            r#"{"OutputKey":"RawBucketName","OutputValue":"[S3_BUCKET]","Description":"x"}"#,
        ),
        (
            "",
            "{\n    \"ParameterKey\": \"ClusterName\",\n    \"ParameterValue\": \"plat\"\n}",
            "{\n    \"ParameterKey\": \"ClusterName\",\n    \"ParameterValue\": \"[ECS_CLUSTER]\"\n}",
        ),
        (
            "",
            "- OutputKey: OrdersTable\n  OutputValue: orders\n",
            "- OutputKey: OrdersTable\n  OutputValue: [DYNAMODB]\n",
        ),
        (
            "",
            r#"{\"OutputKey\": \"FnName\", \"OutputValue\": \"settleInvoices\"}"#,
            r#"{\"OutputKey\": \"FnName\", \"OutputValue\": \"[RESOURCE]\"}"#,
        ),
        (
            "",
            "--parameters ParameterKey=TableName,ParameterValue=ledger ParameterKey=Stage,ParameterValue=prod",
            "--parameters ParameterKey=TableName,ParameterValue=[DYNAMODB] ParameterKey=Stage,ParameterValue=prod",
        ),
        (
            "",
            r#"{"LogicalResourceId":"Fn","PhysicalResourceId":"settle"}"#,
            r#"{"LogicalResourceId":"Fn","PhysicalResourceId":"[RESOURCE]"}"#,
        ),
    ]);
    for text in [
        r#"{"OutputKey":"FnName","OutputValue":"word"}"#,
        r#"{"OutputKey":"Endpoint","OutputValue":"pay-1"}"#,
        "ParameterKey=EnvironmentName,ParameterValue=prod",
        "ParameterKey=InstanceType,ParameterValue=t3.micro",
        "ParameterKey=TableName,ParameterValue=$TABLE",
        r#"{"OutputKey":"BucketName","OutputValue":"${Bucket}"}"#,
    ] {
        check(&[("", text, text)]);
    }
}

#[test]
fn dimensions_of_metrics() {
    check(&[
        (
            "",
            "--dimensions Name=QueueName,Value=inbox Name=DBInstanceIdentifier,Value=main --period 60",
            "--dimensions Name=QueueName,Value=[SQS] Name=DBInstanceIdentifier,Value=[RDS] --period 60",
        ),
        (
            "",
            r#""Dimensions":[{"Name":"FunctionName","Value":"settle"},{"Name":"LoadBalancer","Value":"app/web/0123456789abcdef"}]"#,
            r#""Dimensions":[{"Name":"FunctionName","Value":"[LAMBDA]"},{"Name":"LoadBalancer","Value":"app/[ELB]/[ELB]"}]"#,
        ),
        (
            "",
            "Dimensions:\n  - Name: ClusterName\n    Value: core\n",
            "Dimensions:\n  - Name: ClusterName\n    Value: [ECS_CLUSTER]\n",
        ),
        // Where it may be anybody's, a sign of AWS is needed.
        (
            "",
            "AWS::X\n- name: table_name\n  value: ledger\n",
            "AWS::X\n- name: table_name\n  value: [DYNAMODB]\n",
        ),
    ]);
    for text in [
        "Name=Color,Value=red-1",
        r#"{"Name":"InstanceType","Value":"t3.micro"}"#,
        "- name: table_name\n  value: ledger\n",
        r#"{"Key":"FunctionName","Value":"settle"}"#,
        r#"{"Name":"QueueName","Count":3,"Values":["inbox"]}"#,
        "<option name=\"QueueName\" value=\"\"/>",
    ] {
        check(&[("", text, text)]);
    }
}
