//! Names where what stands around them tells: tables, outputs, sections, calls.

use super::{check, shown};

/// Texts that stay.
fn stay(texts: &[&str]) {
    for text in texts {
        assert_eq!(shown(text, ""), *text);
    }
}

#[test]
fn commands_and_tables_of_eksctl() {
    check(&[
        (
            "",
            "CLUSTER\t\tNODEGROUP\tSTATUS\tASG NAME\nblue\t\tpool\tACTIVE\teks-pool-1\n",
            "CLUSTER\t\tNODEGROUP\tSTATUS\tASG NAME\n[EKS_CLUSTER]\t\t[EKS_NODEGROUP]\tACTIVE\t[ASG]\n",
        ),
        (
            "",
            "NAME\t\tREGION\t\tEKSCTL CREATED\nblue\t\teu-west-1\tTrue\n",
            "NAME\t\tREGION\t\tEKSCTL CREATED\n[EKS_CLUSTER]\t\teu-west-1\tTrue\n",
        ),
        (
            "",
            "CLUSTER   NODEGROUP   STATUS\nblue      pool        ACTIVE\n",
            "CLUSTER   NODEGROUP   STATUS\n[EKS_CLUSTER]      [EKS_NODEGROUP]        ACTIVE\n",
        ),
        (
            "",
            "eksctl scale nodegroup --cluster=blue --name pool --nodes 3; eksctl utils x -c green",
            "eksctl scale nodegroup --cluster=[EKS_CLUSTER] --name [EKS_NODEGROUP] --nodes 3; eksctl utils x -c [EKS_CLUSTER]",
        ),
        (
            "",
            "eksctl create iamserviceaccount --name loader --cluster blue",
            "eksctl create iamserviceaccount --name loader --cluster [EKS_CLUSTER]",
        ),
        ("", "eksctl delete cluster blue-1", "eksctl delete cluster [EKS_CLUSTER]"),
        ("", "cdk deploy PayStack --profile acme", "cdk deploy [STACK] --profile [CLI_PROFILE]"),
        ("", "sam logs -n Settle --stack-name pay", "sam logs -n Settle --stack-name [STACK]"),
    ]);
    stay(&[
        "we use eksctl to create clusters, and eksctl get cluster",
        "eksctl create cluster to make one, cdk deploy and then sam deploy it",
        "CLUSTER NODEGROUP are columns",
        "CLUSTER  STATUS\nkafka    up",
    ]);
}

#[test]
fn rows_of_text() {
    check(&[
        ("", "RESERVATIONS\t481726350914\tr-x", "RESERVATIONS\t[ACCOUNT]\tr-x"),
        (
            "",
            "VPCS\t10.20.0.0/16\tdefault\tFalse\t481726350914\tavailable",
            "VPCS\t[PRIVATE_IP]/16\tdefault\tFalse\t[ACCOUNT]\tavailable",
        ),
        (
            "",
            "x\nSECURITYGROUPS\tweb tier\tsg-0\tledgerweb\t481726350914\tvpc",
            "x\nSECURITYGROUPS\tweb tier\tsg-0\t[SG]\t[ACCOUNT]\tvpc",
        ),
        (
            "",
            "INSTANCES\t0\tt3.large\tops\t2026-09-12T08:11:12+00:00\tx",
            "INSTANCES\t0\tt3.large\t[KEY_PAIR]\t2026-09-12T08:11:12+00:00\tx",
        ),
        (
            "",
            "FUNCTIONS\tarn:aws:lambda:eu-west-1:481726350914:function:settle\tsettle\tapp.handler",
            "FUNCTIONS\tarn:aws:lambda:eu-west-1:[ACCOUNT]:function:[LAMBDA]\t[LAMBDA]\tapp.handler",
        ),
        (
            "",
            "ACCOUNTS\t481726350914\tINVITED\t2026-01-02T03:04:05.000000+00:00\tAcme Pay\tACTIVE",
            "ACCOUNTS\t[ACCOUNT]\tINVITED\t2026-01-02T03:04:05.000000+00:00\t[ORG]\tACTIVE",
        ),
        ("", "DBINSTANCES\tdb.t3.medium\tledger\tup", "DBINSTANCES\tdb.t3.medium\t[RDS]\tup"),
    ]);
    stay(&[
        "ROWS\t481726350914\tr-x",
        "MYVPCS\t481726350914",
        "INSTANCES\t0\tt3.large\t2026-09-12T08:11:12+00:00\tx",
        "SUBNETS\t4817263509142",
    ]);
}

#[test]
fn tables_of_the_command_line() {
    check(&[(
        "",
        "arn:aws:x\n||  UserId  |  UserName  ||\n|+----+----+|\n||  AIDAX  |  jane  ||\n|+----+----+|",
        "arn:aws:x\n||  UserId  |  UserName  ||\n|+----+----+|\n||  [IAM_USER]  |  [IAM_USER]  ||\n|+----+----+|",
    )]);
}

#[test]
fn what_tools_put_out() {
    check(&[
        (
            "",
            "Outputs:\n\neks_cluster_name = \"blue\"\nraw_bucket = \"raw\"\nurl = \"x\"\nstage = \"prod\"\n",
            "Outputs:\n\neks_cluster_name = \"[EKS_CLUSTER]\"\nraw_bucket = \"[S3_BUCKET]\"\nurl = \"x\"\nstage = \"prod\"\n",
        ),
        (
            "",
            "Outputs:\nPay.RawBucketName = pay-raw-1x2y\nPay.QueueName = inbox\nStack ARN:",
            "Outputs:\nPay.RawBucketName = [S3_BUCKET]\nPay.QueueName = [SQS]\nStack ARN:",
        ),
        (
            "",
            "Current stack outputs (2):\n    OUTPUT      VALUE\n    bucketName  raw-1a2b\n    stage       prod\n",
            "Current stack outputs (2):\n    OUTPUT      VALUE\n    bucketName  [S3_BUCKET]\n    stage       prod\n",
        ),
    ]);
    stay(&[
        "Outputs: a list",
        "Outputs:\n  logits: a tensor\n  class_name: res-net\n",
        "Outputs:\n  BucketName:\n    Value: !Ref Bucket\n",
    ]);
}

#[test]
fn plans_and_parameters_with_defaults() {
    check(&[
        (
            "",
            "      ~ cluster_name = \"blue\" -> \"green\" # forces replacement",
            "      ~ cluster_name = \"[ECS_CLUSTER]\" -> \"[ECS_CLUSTER]\" # forces replacement",
        ),
        (
            "",
            "  RawBucketName:\n    Type: String\n    Description: x\n    Default: raw\n  Stage:\n",
            "  RawBucketName:\n    Type: String\n    Description: x\n    Default: [S3_BUCKET]\n  Stage:\n",
        ),
        (
            "",
            "\"TableName\": {\"Type\": \"String\", \"Default\": \"orders\"}",
            "\"TableName\": {\"Type\": \"String\", \"Default\": \"[DYNAMODB]\"}",
        ),
        (
            "",
            "aws cloudformation deploy --parameter-overrides ClusterName=blue Stage=prod --stack-name net",
            "aws cloudformation deploy --parameter-overrides ClusterName=[ECS_CLUSTER] Stage=prod --stack-name [STACK]",
        ),
    ]);
    stay(&[
        "  ClusterName:\n    Type: String\n  Stage:\n    Type: String\n    Default: prod\n",
        "  TableName:\n    Type: Foo\n    Default: orders\n",
        "count = \"1\" -> \"2\"",
        "user_bucket = \"raw\"",
    ]);
}

#[test]
fn keys_of_several_words_and_settings() {
    check(&[
        ("", "boto3 raw_bucket_name = \"raw\"", "boto3 raw_bucket_name = \"[S3_BUCKET]\""),
        (
            "",
            "boto3\nconst defaultBucket = \"raw\"",
            "boto3\nconst defaultBucket = \"[S3_BUCKET]\"",
        ),
        (
            "",
            "aws_sdk\nconst RAW_BUCKET: &str = \"raw\";",
            "aws_sdk\nconst RAW_BUCKET: &str = \"[S3_BUCKET]\";",
        ),
        (
            "",
            "karpenter.sh\nsettings:\n  clusterName: blue\n  x: 1",
            "karpenter.sh\nsettings:\n  clusterName: [ECS_CLUSTER]\n  x: 1",
        ),
        (
            "",
            "helm upgrade aws-load-balancer-controller --set clusterName=blue --set a=b",
            "helm upgrade aws-load-balancer-controller --set clusterName=[ECS_CLUSTER] --set a=b",
        ),
    ]);
    stay(&[
        "boto3\nf({\n  tableName: orders\n})",
        "boto3\nbucketName: bucket\nx",
        "boto3\nclusterName: string\nx",
        "boto3 run(cluster_name=blue, x=1)",
        "aws-cdk\ninterface P { bucketName: string }",
    ]);
}

#[test]
fn sections_of_settings() {
    check(&[
        (
            "",
            "aws:\n  region: eu-west-1\n  bucket: raw\n  s3:\n    queue: \"inbox\"\nui:\n  table: wide\n",
            "aws:\n  region: eu-west-1\n  bucket: [S3_BUCKET]\n  s3:\n    queue: \"[SQS]\"\nui:\n  table: wide\n",
        ),
        (
            "",
            "[aws]\ntable = orders\nrole = Worker\n\n[ui]\ntable = wide\n",
            "[aws]\ntable = [DYNAMODB]\nrole = [IAM_ROLE]\n\n[ui]\ntable = wide\n",
        ),
        (
            "",
            "{\"aws\": {\"x\": {}, \"table\": \"orders\"}, \"ui\": {\"table\": \"wide\"}}",
            "{\"aws\": {\"x\": {}, \"table\": \"[DYNAMODB]\"}, \"ui\": {\"table\": \"wide\"}}",
        ),
        (
            "",
            "cloud.aws.s3.bucket=raw\n\"${aws.s3.bucket:raw}\"",
            "cloud.aws.s3.bucket=[S3_BUCKET]\n\"${aws.s3.bucket:[S3_BUCKET]}\"",
        ),
        (
            "",
            "      - uses: aws-actions/amazon-ecs-deploy-task-definition@v2\n        with:\n          service: pay\n          cluster: blue\n      - run: x\n        service: web\n",
            "      - uses: aws-actions/amazon-ecs-deploy-task-definition@v2\n        with:\n          service: [ECS_SERVICE]\n          cluster: [ECS_CLUSTER]\n      - run: x\n        service: web\n",
        ),
        (
            "",
            "withAWS(region: 'eu-west-1', role: 'Deploy', roleAccount: '481726350914') { s3Upload(file: 'x.zip', bucket: 'raw') }",
            "withAWS(region: 'eu-west-1', role: '[IAM_ROLE]', roleAccount: '[ACCOUNT]') { s3Upload(file: 'x.zip', bucket: '[S3_BUCKET]') }",
        ),
    ]);
    stay(&[
        "aws:\n  bucket: ${BUCKET}\n  role: !Ref Role\n  table: true\n",
        "laws:\n  bucket: raw\n",
        "[awscli]\ntable = orders\n",
        "jaws.bucket=raw aws.region=eu-west-1",
        "gcp:\n  bucket: raw\naws:\nbucket: raw\n",
    ]);
}

#[test]
fn calls_with_named_arguments() {
    check(&[
        (
            "",
            "boto3 ecs.update_service(force=True, service=\"pay\", cluster=\"blue\")",
            "boto3 ecs.update_service(force=True, service=\"[ECS_SERVICE]\", cluster=\"[ECS_CLUSTER]\")",
        ),
        (
            "",
            "boto3 describe_services(cluster='blue', services=['pay', 'web'])",
            "boto3 describe_services(cluster='[ECS_CLUSTER]', services=['[ECS_SERVICE]', '[ECS_SERVICE]'])",
        ),
        (
            "",
            "aws-sdk &ecs.UpdateServiceInput{\n\tCluster: aws.String(\"blue\"),\n}",
            "aws-sdk &ecs.UpdateServiceInput{\n\tCluster: aws.String(\"[ECS_CLUSTER]\"),\n}",
        ),
        (
            "",
            "aws-sdk new DescribeClusterCommand({ name: \"blue\" })",
            "aws-sdk new DescribeClusterCommand({ name: \"[EKS_CLUSTER]\" })",
        ),
        (
            "",
            "awssdk UpdateServiceRequest.builder().cluster(\"blue\").service(\"pay\").build();",
            "awssdk UpdateServiceRequest.builder().cluster(\"[ECS_CLUSTER]\").service(\"[ECS_SERVICE]\").build();",
        ),
        (
            "",
            "AWS::X \"Resource\": \"arn:aws:states:::ecs:runTask.sync\", \"Parameters\": {\"Cluster\": \"blue\", \"LaunchType\": \"FARGATE\"}",
            "AWS::X \"Resource\": \"arn:aws:states:::ecs:runTask.sync\", \"Parameters\": {\"Cluster\": \"[ECS_CLUSTER]\", \"LaunchType\": \"FARGATE\"}",
        ),
        (
            "",
            "@pulumi/aws new aws.sqs.Queue(\"q\", { name: \"inbox\", fifo: \"x\" })",
            "@pulumi/aws new aws.sqs.Queue(\"q\", { name: \"[SQS]\", fifo: \"x\" })",
        ),
        (
            "",
            "boto3 s3.upload_file(\"/tmp/a b.csv\", \"raw\", \"k\") s3.download_file(\"raw\", \"k\", p)",
            "boto3 s3.upload_file(\"/tmp/a b.csv\", \"[S3_BUCKET]\", \"k\") s3.download_file(\"[S3_BUCKET]\", \"k\", p)",
        ),
        (
            "",
            "using Amazon.DynamoDBv2;\nTable.LoadTable(client, \"Orders\", true); [DynamoDBTable(\"Bills\")]",
            "using Amazon.DynamoDBv2;\nTable.LoadTable(client, \"[DYNAMODB]\", true); [DynamoDBTable(\"[DYNAMODB]\")]",
        ),
    ]);
    stay(&[
        // Without a sign of AWS.
        "update_service(service=\"pay\", cluster=\"blue\")",
        "upload_file(\"a\", \"raw\")",
        "boto3 update_service(service=service, cluster=cluster)",
        "boto3 update_service(x) service=\"pay\"",
        "boto3 create_topic(Name=name)",
    ]);
}

#[test]
fn profiles_of_the_command_line() {
    check(&[
        ("", "aws s3 ls --profile acme", "aws s3 ls --profile [CLI_PROFILE]"),
        ("", "AWS_PROFILE=acme-prod x", "AWS_PROFILE=[CLI_PROFILE] x"),
        ("", "[acme]\naws_access_key_id = x", "[[CLI_PROFILE]]\naws_access_key_id = x"),
    ]);
    stay(&[
        "aws s3 ls --profile default",
        "AWS_PROFILE=dev aws s3 ls --profile prod",
        "cargo build --profile release-lto",
        "[profile.release]",
    ]);
}

#[test]
fn variables_beside_their_values() {
    check(&[(
        "",
        "awslogs {\"name\": \"ORDERS_TABLE\", \"value\": \"orders-prod\"} arn:aws:s3:::x-1",
        "awslogs {\"name\": \"ORDERS_TABLE\", \"value\": \"[DYNAMODB]\"} arn:aws:s3:::[S3_BUCKET]",
    )]);
    stay(&[
        "{\"name\": \"ORDERS_TABLE\", \"value\": \"orders-prod\"}",
        "AWS_REGION {\"name\": \"KAFKA_TOPIC\", \"value\": \"orders-1\"}",
        "AWS_REGION {\"name\": \"ORDERS_TABLE\", \"value\": \"orders\"}",
    ]);
}
