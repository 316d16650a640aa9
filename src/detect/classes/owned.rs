//! Names in hosts that AWS itself gave.

use crate::detect::classes::is_region;

/// Buckets that hold agents and packages, in some regions with their names behind them: Systems
/// Manager User Guide, "SSM Agent communications with AWS managed S3 buckets"; CodeDeploy,
/// CloudWatch and EKS User Guides.
const BUCKETS: [&[u8]; 8] = [
    b"amazoncloudwatch-agent",
    b"aws-codedeploy",
    b"aws-windows-downloads",
    b"amazon-ssm",
    b"aws-ssm",
    b"patch-baseline-snapshot",
    b"amazon-eks",
    b"aws-quickstart",
];

/// Is this bucket, or label of a host, AWS's own? In the namespace of S3's answers `doc` stands
/// where a bucket would, and AWS's certificates for databases come from `pki.rds`.
pub(super) fn is_owned(name: &[u8]) -> bool {
    let of_region = |rest: &[u8]| rest.is_empty() || (rest.starts_with(b"-") && is_region(rest));
    name == b"doc"
        || name == b"pki"
        || BUCKETS.iter().any(|bucket| name.strip_prefix(*bucket).is_some_and(of_region))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_aws_offers_is_no_name_of_a_customer() {
        for name in ["doc", "pki", "amazoncloudwatch-agent", "aws-codedeploy-eu-west-1"] {
            assert!(is_owned(name.as_bytes()), "{name}");
        }
        for name in ["docs", "aws-ssm-acme-logs", "", "amazon", "my-aws-ssm"] {
            assert!(!is_owned(name.as_bytes()), "{name}");
        }
    }
}
