//! Options of AWS's command line, which mean what their service says.

use super::{check, shown};

#[test]
fn the_service_says_what_an_option_names() {
    check(&[
        (
            "",
            "aws ecs describe-services --cluster prod --services web api --region eu-west-1",
            "aws ecs describe-services --cluster [ECS_CLUSTER] --services [ECS_SERVICE] [ECS_SERVICE] --region eu-west-1",
        ),
        (
            "",
            "aws eks update-kubeconfig --name prod",
            "aws eks update-kubeconfig --name [EKS_CLUSTER]",
        ),
        (
            "",
            "aws ecs update-service --cluster=prod --task-definition web:7 --force",
            "aws ecs update-service --cluster=[ECS_CLUSTER] --task-definition [ECS_TASKDEF]:7 --force",
        ),
        (
            "",
            "aws ssm get-parameters --names 'orders' \"users\" --with-decryption",
            "aws ssm get-parameters --names '[SSM_PARAM]' \"[SSM_PARAM]\" --with-decryption",
        ),
        (
            "",
            "aws ssm create-document --name deploy",
            "aws ssm create-document --name [SSM_DOCUMENT]",
        ),
        (
            "",
            "aws cloudfront get-distribution --id E123ABC",
            "aws cloudfront get-distribution --id [CLOUDFRONT]",
        ),
        (
            "",
            "aws apigateway get-stage --stage-name live",
            "aws apigateway get-stage --stage-name [RESOURCE]",
        ),
    ]);
}

#[test]
fn a_command_as_it_is_written() {
    check(&[
        (
            "",
            "aws --profile ops --debug eks describe-cluster --query 'a[?b==`c`] | d' --name prod",
            "aws --profile ops --debug eks describe-cluster --query 'a[?b==`c`] | d' --name [EKS_CLUSTER]",
        ),
        (
            "",
            "aws ecs list-tasks \\\n  --region <region> \\\r\n  --cluster prod\necho --cluster x",
            "aws ecs list-tasks \\\n  --region <region> \\\r\n  --cluster [ECS_CLUSTER]\necho --cluster x",
        ),
        (
            "",
            r"$ aws ecs list-tasks \\\n --cluster prod\nmake --cluster x",
            r"$ aws ecs list-tasks \\\n --cluster [ECS_CLUSTER]\nmake --cluster x",
        ),
        (
            "",
            r#"{\"command\": \"aws eks list-updates --name \\\"prod\\\" --name web\"}"#,
            r#"{\"command\": \"aws eks list-updates --name \\\"[EKS_CLUSTER]\\\" --name [EKS_CLUSTER]\"}"#,
        ),
        (
            "",
            "x=$(aws eks describe-cluster --name prod); y --name web",
            "x=$(aws eks describe-cluster --name [EKS_CLUSTER]); y --name web",
        ),
        (
            "",
            "run 'aws eks describe-cluster --name prod' --name web",
            "run 'aws eks describe-cluster --name [EKS_CLUSTER]' --name web",
        ),
    ]);
}

/// A command is read so far; a name that goes on beyond is not masked in half.
#[test]
fn no_name_is_cut_where_reading_ends() {
    let name = "Payments-Checkout-Token";
    for lead in 3980..4100 {
        let tags = "x".repeat(lead);
        let text = format!("aws eks describe-cluster --tags {tags} --name {name} --no-paginate");
        let masked = text.replace(name, "[EKS_CLUSTER]");
        let found = shown(&text, "");
        assert!(found == masked || found == text, "{lead}: {}", found.get(lead..).unwrap());
    }
}

#[test]
fn what_a_command_prints() {
    check(&[
        (
            "",
            "$ aws sts get-caller-identity --query Account --output text\n481726350914\n",
            "$ aws sts get-caller-identity --query Account --output text\n[ACCOUNT]\n",
        ),
        (
            "",
            r"aws sts get-caller-identity --query Account --output text\n481726350914\nx",
            r"aws sts get-caller-identity --query Account --output text\n[ACCOUNT]\nx",
        ),
        (
            "",
            "aws sts get-caller-identity --query Account\r\n\"481726350914\"\n123456789012 x",
            "aws sts get-caller-identity --query Account\r\n\"[ACCOUNT]\"\n123456789012 x",
        ),
        (
            "",
            "aws organizations list-accounts --query 'Accounts[].Id' --output text\n481726350914\t998877665544",
            "aws organizations list-accounts --query 'Accounts[].Id' --output text\n[ACCOUNT]\t[ACCOUNT]",
        ),
        (
            "",
            "$ aws s3 ls\n2024-05-14 10:11:12 acme-ledger-raw-eu\n2024-05-14 10:11:12 reports\ntotal: two-files",
            "$ aws s3 ls\n2024-05-14 10:11:12 [S3_BUCKET]\n2024-05-14 10:11:12 [S3_BUCKET]\ntotal: two-files",
        ),
    ]);
    for text in [
        "aws sts get-caller-identity | jq .Account\n123456789012",
        "aws sts get-session-token\n123456789012",
        "aws s3 ls --recursive\n2024-05-14 10:11:12       1234 some-key.json",
        "2024-05-14 10:11:12 acme-ledger-raw-eu",
        "aws s3 ls\n\n2024-05-14 10:11:12 acme-ledger-raw-eu",
    ] {
        check(&[("", text, text)]);
    }
}

#[test]
fn what_no_service_names_stays() {
    for text in [
        "docker run --name web, kubectl --cluster prod",
        "aws is --name web, aws cluster --cluster prod",
        "aws ecs describe-clusters --include TAGS --cluster $CLUSTER",
        "aws eks describe-cluster --name ${NAME} --output text",
        "aws eks describe-cluster --name <cluster-name>",
        "aws ecs list-clusters && tool --cluster prod",
        "aws ec2 describe-instances --filters Name=tag:Name,Values=web --query Name",
        "aws cloudwatch get-metric-statistics --metric-name Errors --namespace AWS/Lambda",
        "aws ssm get-parameter --name /aws/service/ami-amazon-linux-latest/x",
        "aws ecs describe-clusters --clusters default",
        "aws eks describe-cluster --name\nprod",
    ] {
        check(&[("", text, text)]);
    }
}
