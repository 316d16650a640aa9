//! Ids, escapes, ARNs and hosts: each text, and what it becomes.

use super::check;

#[test]
fn ids_with_hyphens() {
    check(&[
        ("", "i-0123456789abcdef0, sg-12345678.", "[EC2], [SG]."),
        ("", "vai-0123456789abcdef0 import-ami-0123456789abcdef0", "[VA_INSTANCE] [IMPORT_TASK]"),
        ("", "tgw-attach-0123456789abcdef0", "[TGW_ATTACH]"),
        ("", "prod-vpc-0123456789abcdef0-x tf_i-0123456789abcdef0", "prod-[VPC]-x tf_[EC2]"),
        ("", "prod-sg-12345678 x_sg-12345678", "prod-sg-12345678 x_sg-12345678"),
        ("", "xi-0123456789abcdef0x", "xi-0123456789abcdef0x"),
        (
            "",
            "i-0123456789abcdef01 i-0123456789abcdef i-2147483648 i-0a1b2c3",
            "[EC2] [EC2] i-2147483648 i-0a1b2c3",
        ),
        ("", "thing-0123456789abcdef0 build-20240101120000123", "[ID] build-20240101120000123"),
        ("", "sfr-73fbd2ce-aa30-494c-8788-1cee4abcdef0", "[SPOT_FLEET]"),
        ("", "sg-73fbd2ce-aa30-494c-8788-1cee4abcdef0", "sg-73fbd2ce-aa30-494c-8788-1cee4abcdef0"),
        ("", "us-east-1_AbCdEf123 us-east-1a us-east-1", "[USER_POOL] us-east-1a us-east-1"),
        (
            "",
            "sg-web i-th e-commerce ps-aux d-block p-value ou-est o-matic",
            "sg-web i-th e-commerce ps-aux d-block p-value ou-est o-matic",
        ),
    ]);
}

#[test]
fn escapes_do_not_hide() {
    check(&[
        ("", "\\ni-0123456789abcdef0\\\\nAKIAIOSFODNN7EXAMPLE", "\\n[EC2]\\\\n[ACCESS_KEY]"),
        ("", "\\nmy-data.s3.amazonaws.com/x", "\\n[S3_BUCKET].s3.amazonaws.com/x"),
        ("", "\u{1b}[32mi-0123456789abcdef0\u{1b}[0m", "\u{1b}[32m[EC2]\u{1b}[0m"),
        ("", r"\u001b[32mi-0123456789abcdef0\u001b[0m", r"\u001b[32m[EC2]\u001b[0m"),
        // `grep --color`, bars of progress.
        (
            "",
            "\x1b[01;31m\x1b[Ki-0c9d8e7f6a5b40312\x1b[m\x1b[K \x1b[KAKIAXP3K7QZL5MNB2VTR \x1b[2K\x1b[Gvpc-07e6d5c4b3a291807",
            "\x1b[01;31m\x1b[K[EC2]\x1b[m\x1b[K \x1b[K[ACCESS_KEY] \x1b[2K\x1b[G[VPC]",
        ),
        ("", "\x1b[?25lAKIAXP3K7QZL5MNB2VTR\x1b[?25h", "\x1b[?25l[ACCESS_KEY]\x1b[?25h"),
        ("", r"\e[Ki-0123456789abcdef0 [Ki-0123456789abcdef0", r"\e[K[EC2] [Ki-0123456789abcdef0"),
        (
            "",
            "\x1b[01;31m\x1b[Karn\x1b[m\x1b[K:aws:iam::481726350914:role/LedgerAdmin\x1b[0m x",
            "\x1b[01;31m\x1b[Karn\x1b[m\x1b[K:aws:iam::[ACCOUNT]:role/[IAM_ROLE]\x1b[0m x",
        ),
        // The type of a resource is none where a color cuts it.
        ("", "arn:aws:logs:::log-group\x1b[1m:/aws/x", "arn:aws:logs:::log-group\x1b[1m:/aws/x"),
        (
            "",
            r"arn:aws:sns:eu-west-1:481726350914\u001b[0m:orders\u001b[0m x",
            r"arn:aws:sns:eu-west-1:[ACCOUNT]\u001b[0m:[SNS]\u001b[0m x",
        ),
        (
            "",
            "arn:aws:iam::\x1b[1m481726350914\x1b[0m:role/LedgerAdmin",
            "arn:aws:iam::\x1b[1m[ACCOUNT]\x1b[0m:role/[IAM_ROLE]",
        ),
        ("", r#"{\"a\":\"\u0069-0123456789abcdef0\"}"#, r#"{\"a\":\"[EC2]\"}"#),
        ("", r"\\u0069-0123456789\\u0061bcdef0", "[EC2]"),
        ("", r"i\\\\u002d0123456789abcdef0", "[EC2]"),
        (
            "",
            r"arn:aws:iam::123456789012:role\/app\/MyRole",
            r"arn:aws:iam::[ACCOUNT]:role\/[IAM_PATH]\/[IAM_ROLE]",
        ),
        (
            "",
            r"https:\/\/sqs.us-east-1.amazonaws.com\/123456789012\/My_Q",
            r"https:\/\/sqs.us-east-1.amazonaws.com\/[ACCOUNT]\/[SQS]",
        ),
        (
            "",
            "arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2FMyRole",
            "arn%3Aaws%3Aiam%3A%3A[ACCOUNT]%3Arole%2F[IAM_ROLE]",
        ),
        ("", "q=%2Fi-0123456789abcdef0%26", "q=%2F[EC2]%26"),
    ]);
}

#[test]
fn what_is_aws_own_stays() {
    check(&[
        (
            "",
            "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:123456789012:function:orders-api/invocations",
            "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:[ACCOUNT]:function:[LAMBDA]/invocations",
        ),
        (
            "",
            "arn:aws:apigateway:eu-west-1:sqs:path/123456789012/orders-q arn:aws:apigateway:eu-west-1:dynamodb:action/PutItem",
            "arn:aws:apigateway:eu-west-1:sqs:path/[ACCOUNT]/[RESOURCE] arn:aws:apigateway:eu-west-1:dynamodb:action/PutItem",
        ),
        (
            "",
            "arn:aws:dynamodb:eu-west-1:123456789012:table/Users/stream/2024-05-14T10:11:12.345",
            "arn:aws:dynamodb:eu-west-1:[ACCOUNT]:table/[DYNAMODB]/stream/2024-05-14T10:11:12.345",
        ),
        // With more dots it is an address.
        ("", "arn:aws:x:eu-west-1::host/54.1.2.3", "arn:aws:x:eu-west-1::host/[RESOURCE]"),
        (
            "",
            "arn:aws:rds:eu-west-1:123456789012:og:default:postgres-15 arn:aws:rds:eu-west-1:123456789012:og:orders",
            "arn:aws:rds:eu-west-1:[ACCOUNT]:og:default:postgres-15 arn:aws:rds:eu-west-1:[ACCOUNT]:og:[RDS_GROUP]",
        ),
        (
            "",
            "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/api-AbCdEf:password::",
            "arn:aws:secretsmanager:eu-west-1:[ACCOUNT]:secret:[SECRET]-AbCdEf:password::",
        ),
        (
            "",
            "shop-cache.x9k2ab.ng.0001.euw1.cache.amazonaws.com master.shop-cache.x9k2ab.euw1.cache.amazonaws.com",
            "[ELASTICACHE].[CACHE_DOMAIN].ng.0001.euw1.cache.amazonaws.com master.[ELASTICACHE].[CACHE_DOMAIN].euw1.cache.amazonaws.com",
        ),
        (
            "",
            "shop-cache-002.shop-cache.x9k2ab.euw1.cache.amazonaws.com shop-vk3p1.serverless.use1.cache.amazonaws.com",
            "[ELASTICACHE].[ELASTICACHE].[CACHE_DOMAIN].euw1.cache.amazonaws.com [ELASTICACHE].serverless.use1.cache.amazonaws.com",
        ),
    ]);
}

#[test]
fn arns_keep_their_shape() {
    check(&[
        ("", "arn:aws:iam::123456789012:user/alice.", "arn:aws:iam::[ACCOUNT]:user/[IAM_USER]."),
        (
            "",
            "arn:aws-us-gov:iam::123456789012:role/a/b/My_Role",
            "arn:aws-us-gov:iam::[ACCOUNT]:role/[IAM_PATH]/[IAM_PATH]/[IAM_ROLE]",
        ),
        ("", "arn:aws:iam::123456789012:root", "arn:aws:iam::[ACCOUNT]:root"),
        (
            "",
            "arn:aws:iam::aws:policy/AdministratorAccess",
            "arn:aws:iam::aws:policy/AdministratorAccess",
        ),
        (
            "",
            "arn:aws:iam::123456789012:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX",
            "arn:aws:iam::[ACCOUNT]:role/aws-service-role/x.amazonaws.com/[IAM_ROLE]",
        ),
        (
            "",
            "arn:aws:sts::123456789012:assumed-role/Admin/bob@corp.com",
            "arn:aws:sts::[ACCOUNT]:assumed-role/[IAM_ROLE]/[SESSION]",
        ),
        (
            "",
            "arn:aws:lambda:us-east-1:123456789012:function:fn:$LATEST",
            "arn:aws:lambda:us-east-1:[ACCOUNT]:function:[LAMBDA]:$LATEST",
        ),
        (
            "",
            "arn:aws:lambda:us-east-1:123456789012:layer:lib:7",
            "arn:aws:lambda:us-east-1:[ACCOUNT]:layer:[LAMBDA_LAYER]:7",
        ),
        (
            "",
            "arn:aws:s3:::prod-data/a/b.json arn:aws:s3:::*",
            "arn:aws:s3:::[S3_BUCKET]/a/b.json arn:aws:s3:::*",
        ),
        ("", "\"arn:aws:s3:::${Bucket}/*\"", "\"arn:aws:s3:::${Bucket}/*\""),
        ("", "arn:aws:s3:::prod-data-*", "arn:aws:s3:::[S3_BUCKET]-*"),
        (
            "",
            "arn:aws:dynamodb:us-east-1:123456789012:table/Users/index/by-mail",
            "arn:aws:dynamodb:us-east-1:[ACCOUNT]:table/[DYNAMODB]/index/[DYNAMODB_PART]",
        ),
        (
            "",
            "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-AbCdEf",
            "arn:aws:secretsmanager:us-east-1:[ACCOUNT]:secret:[SECRET]-AbCdEf",
        ),
        (
            "",
            "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            "arn:aws:kms:us-east-1:[ACCOUNT]:key/[KMS]",
        ),
        (
            "",
            "arn:aws:kms:us-east-1:123456789012:alias/aws/s3",
            "arn:aws:kms:us-east-1:[ACCOUNT]:alias/aws/s3",
        ),
        (
            "",
            "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/fn-1:*",
            "arn:aws:logs:us-east-1:[ACCOUNT]:log-group:/aws/lambda/[LAMBDA]:*",
        ),
        (
            "",
            "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/my-alb/50dc6c495c0c9188",
            "arn:aws:elasticloadbalancing:us-east-1:[ACCOUNT]:loadbalancer/app/[ELB]/[ELB]",
        ),
        (
            "",
            "arn:aws:ecs:us-east-1:123456789012:task/prod/1dc5c17a422b4dc4b493371970c6c4d6",
            "arn:aws:ecs:us-east-1:[ACCOUNT]:task/[ECS_CLUSTER]/[ECS_TASK]",
        ),
        (
            "",
            "arn:aws:ecs:us-east-1:123456789012:task/1dc5c17a422b4dc4b493371970c6c4d6",
            "arn:aws:ecs:us-east-1:[ACCOUNT]:task/[ECS_TASK]",
        ),
        (
            "",
            "arn:aws:ec2:us-east-1:123456789012:instance/i-0123456789abcdef0",
            "arn:aws:ec2:us-east-1:[ACCOUNT]:instance/[EC2]",
        ),
        (
            "",
            "arn:aws:apigateway:us-west-2::/restapis/a1b2c3d4e5/stages/prod",
            "arn:aws:apigateway:us-west-2::/restapis/[API]/stages/prod",
        ),
        (
            "",
            "arn:aws:sns:us-east-1:123456789012:MyTopic,",
            "arn:aws:sns:us-east-1:[ACCOUNT]:[SNS],",
        ),
        (
            "",
            "(arn:aws:codecommit:us-east-1:123456789012:MyRepo)",
            "(arn:aws:codecommit:us-east-1:[ACCOUNT]:[CODECOMMIT])",
        ),
        ("", "arn:aws:states:::lambda:invoke", "arn:aws:states:::lambda:invoke"),
        (
            "",
            "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-v2",
            "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-v2",
        ),
        (
            "",
            "arn:aws:ssm:us-east-1::parameter/aws/service/ami-x",
            "arn:aws:ssm:us-east-1::parameter/aws/service/ami-x",
        ),
        (
            "",
            "arn:aws:newthing:us-east-1:123456789012:widget/blue-1",
            "arn:aws:newthing:us-east-1:[ACCOUNT]:widget/[RESOURCE]",
        ),
        (
            "",
            "arn:aws:securityhub:us-east-1::product/acme/default/1abc2de3-69ea",
            "arn:aws:securityhub:us-east-1::product/acme/default/[RESOURCE]",
        ),
        (
            "",
            "arn:aws:securityhub:us-east-1::product/aws/guardduty/x-1",
            "arn:aws:securityhub:us-east-1::product/aws/guardduty/x-1",
        ),
        ("", "arn:aws:iam::{account}:role/<role-name>", "arn:aws:iam::{account}:role/<role-name>"),
        ("", "arn:aws:iam::$ACCOUNT:role/$ROLE", "arn:aws:iam::$ACCOUNT:role/$ROLE"),
        ("", "learn:aws:x:y:z arn:aws:iam", "learn:aws:x:y:z arn:aws:iam"),
        (
            "",
            "arn:aws:iam::123456789012:oidc-provider/oidc.eks.us-west-2.amazonaws.com/id/A0DCCD80A04F01705DD065655C30CC3D",
            "arn:aws:iam::[ACCOUNT]:oidc-provider/oidc.eks.us-west-2.amazonaws.com/id/[EKS_ENDPOINT]",
        ),
        (
            "",
            "arn:aws:lambda:us-east-1:123456789012:function:x-vpc-0123456789abcdef0-y",
            "arn:aws:lambda:us-east-1:[ACCOUNT]:function:[LAMBDA]-[VPC]-[LAMBDA]",
        ),
    ]);
}

#[test]
fn hosts_and_uris_keep_their_shape() {
    check(&[
        ("", "s3://my-bucket-1/a/b.parquet", "s3://[S3_BUCKET]/a/b.parquet"),
        (
            "",
            "https://my.bucket.s3.eu-west-1.amazonaws.com/k",
            "https://[S3_BUCKET].s3.eu-west-1.amazonaws.com/k",
        ),
        (
            "",
            "https://s3.us-west-2.amazonaws.com/bkt-1/k",
            "https://s3.us-west-2.amazonaws.com/[S3_BUCKET]/k",
        ),
        (
            "",
            "ap1-123456789012.s3-accesspoint.us-west-2.amazonaws.com",
            "[S3_ACCESS_POINT]-[ACCOUNT].s3-accesspoint.us-west-2.amazonaws.com",
        ),
        (
            "",
            "mydb.cluster-ro-c9akciq32rgi.us-east-1.rds.amazonaws.com:5432",
            "[RDS].cluster-ro-[RDS_DOMAIN].us-east-1.rds.amazonaws.com:5432",
        ),
        (
            "",
            "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/api:1.2",
            "[ACCOUNT].dkr.ecr.us-east-1.amazonaws.com/[ECR_REPO]:1.2",
        ),
        (
            "",
            "https://sqs.us-east-1.amazonaws.com/123456789012/MyQueue",
            "https://sqs.us-east-1.amazonaws.com/[ACCOUNT]/[SQS]",
        ),
        (
            "",
            "ip-10-0-1-5.ec2.internal ec2-203-0-113-25.compute-1.amazonaws.com",
            "[EC2_HOST].ec2.internal [EC2_HOST].compute-1.amazonaws.com",
        ),
        (
            "",
            "abcd123456.execute-api.us-east-1.amazonaws.com/prod",
            "[API].execute-api.us-east-1.amazonaws.com/prod",
        ),
        (
            "",
            "internal-app-1234567890.us-west-2.elb.amazonaws.com",
            "internal-[ELB].us-west-2.elb.amazonaws.com",
        ),
        (
            "",
            "vpce-0123456789abcdef0-abcd1234.s3.us-east-1.vpce.amazonaws.com",
            "[VPC_ENDPOINT]-[VPCE_DNS].s3.us-east-1.vpce.amazonaws.com",
        ),
        (
            "",
            "ec2.us-east-1.amazonaws.com lambda.amazonaws.com s3.amazonaws.com us-east-1.signin.aws.amazon.com",
            "ec2.us-east-1.amazonaws.com lambda.amazonaws.com s3.amazonaws.com us-east-1.signin.aws.amazon.com",
        ),
        (
            "",
            "postgres://app:s3cr3t@db:5432/x https://h:80/@a",
            "postgres://app:[DB_PASSWORD]@db:5432/x https://h:80/@a",
        ),
    ]);
}

#[test]
fn text_in_base64_is_masked_as_one() {
    // `server i-0123456789abcdef0 is up`, a policy with an ARN, a secret key, nothing.
    check(&[
        ("", "x: c2VydmVyIGktMDEyMzQ1Njc4OWFiY2RlZjAgaXMgdXA= y", "x: [ENCODED] y"),
        ("", r"a\nc2VydmVyIGktMDEyMzQ1Njc4OWFiY2RlZjAgaXMgdXA\n", r"a\n[ENCODED]\n"),
        (
            "",
            "Authorization: Basic YWRtaW46YXJuOmF3czpzMzo6OmFjbWUtZGF0YQ==",
            "Authorization: Basic [ENCODED]",
        ),
        (
            "",
            "AWS_SECRET_ACCESS_KEY: d0phbHJYVXRuRkVNSS9LN01ERU5HL2JQeFJmaUNZRVhBTVBMRUtFWQ==",
            "AWS_SECRET_ACCESS_KEY: [SECRET_KEY]",
        ),
        (
            "",
            "integrity: d0phbHJYVXRuRkVNSS9LN01ERU5HL2JQeFJmaUNZRVhBTVBMRUtFWQ==",
            "integrity: d0phbHJYVXRuRkVNSS9LN01ERU5HL2JQeFJmaUNZRVhBTVBMRUtFWQ==",
        ),
        // In base64 twice.
        ("", "YzJWeWRtVnlJR2t0TURFeU16UTFOamM0T1dGaVkyUmxaakFnYVhNZ2RYQT0=", "[ENCODED]"),
        (
            "",
            "VGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBkb2c=",
            "VGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBkb2c=",
        ),
    ]);
}

#[test]
fn names_that_people_write() {
    check(&[
        (
            "",
            "EC2 with S3 bucket my-production-bucket, RDS instance prod-mysql-db in us-east-1",
            "EC2 with S3 bucket [S3_BUCKET], RDS instance [RDS] in us-east-1",
        ),
        ("", "- S3: my-data\\n- RDS: `prod-db`", "- S3: [S3_BUCKET]\\n- RDS: `[RDS]`"),
        (
            "",
            "S3 server-side encryption; RDS multi-az, RDS db-instance; Lambda function that-is",
            "S3 server-side encryption; RDS multi-az, RDS db-instance; Lambda function that-is",
        ),
        ("", "$S3 my-data XRDS prod-db", "$S3 [S3_BUCKET] XRDS prod-db"),
    ]);
}
