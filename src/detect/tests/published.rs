//! What AWS publishes, and words that everybody has, stay.

use super::check;

#[test]
fn accounts_and_zones_that_aws_publishes_stay() {
    for text in [
        "602401143452.dkr.ecr.us-west-2.amazonaws.com/eks/coredns:v1.11.1-eksbuild.4",
        "image: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1",
        "\"AWS\": \"arn:aws:iam::797873946194:root\"",
        "arn:aws:ecr:us-west-2:602401143452:repository/eks/pause",
        "aws ec2 describe-images --owners 137112412989",
        "OwnerId: 099720109477",
        "\"CanonicalHostedZoneId\": \"Z32O12XQLNTSW2\"",
        "hosted_zone_id = \"Z2FDTNDATAQYW2\"",
        "arn:aws:route53:::hostedzone/Z35SXDOTRQ7X7K",
    ] {
        check(&[("", text, text)]);
    }
    check(&[
        ("registryId", "602401143452", "602401143452"),
        // What stands beside is somebody's.
        (
            "",
            "602401143452.dkr.ecr.eu-west-1.amazonaws.com/x 481726350914.dkr.ecr.eu-west-1.amazonaws.com/x",
            "602401143452.dkr.ecr.eu-west-1.amazonaws.com/x [ACCOUNT].dkr.ecr.eu-west-1.amazonaws.com/[ECR_REPO]",
        ),
        (
            "",
            "arn:aws:iam::797873946194:root,arn:aws:s3:::acme-logs",
            "arn:aws:iam::797873946194:root,arn:aws:s3:::[S3_BUCKET]",
        ),
        ("", "zone_id = \"Z0123456789ABCDEFGHIJ\"", "zone_id = \"[HOSTED_ZONE]\""),
    ]);
}

#[test]
fn users_of_programs_and_words_for_containers_stay() {
    check(&[
        (
            "",
            "boto3\nusername = \"postgres\"\nuser_name = \"ec2-user\"\nuser_name = \"ledger-ci\"\n",
            "boto3\nusername = \"postgres\"\nuser_name = \"ec2-user\"\nuser_name = \"[IAM_USER]\"\n",
        ),
        (
            "",
            "AWS_REGION: eu-west-1\nCONTAINER_NAME: api\nCONTAINER_NAME: ledger-api\n",
            "AWS_REGION: eu-west-1\nCONTAINER_NAME: api\nCONTAINER_NAME: [RESOURCE]\n",
        ),
    ]);
}

#[test]
fn a_variable_is_no_other_one_once_an_address_in_it_is_masked() {
    let text = "AWS_PRIVATE_IP_BF3K9Q2MX4TB_TABLE=ps";
    check(&[("", "10.0.0.1_TABLE=ps", "[PRIVATE_IP]_TABLE=ps"), ("", text, text)]);
}
