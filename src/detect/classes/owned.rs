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

/// What the names of policies and roles end with that AWS manages and calls after itself: AWS
/// Managed Policy Reference Guide.
const MANAGED: [&[u8]; 10] = [
    b"Access",
    b"Role",
    b"Policy",
    b"ReadOnly",
    b"Core",
    b"Permissions",
    b"PowerUser",
    b"User",
    b"Administrator",
    b"Boundary",
];
/// Those that are not called after AWS.
const POLICIES: [&[u8]; 36] = [
    b"AdministratorAccess",
    b"PowerUserAccess",
    b"ReadOnlyAccess",
    b"ViewOnlyAccess",
    b"SecurityAudit",
    b"SystemAdministrator",
    b"DatabaseAdministrator",
    b"NetworkAdministrator",
    b"DataScientist",
    b"SupportUser",
    b"Billing",
    b"IAMFullAccess",
    b"IAMReadOnlyAccess",
    b"IAMUserChangePassword",
    b"IAMUserSSHKeys",
    b"IAMAccessAdvisorReadOnly",
    b"CloudWatchFullAccess",
    b"CloudWatchReadOnlyAccess",
    b"CloudWatchLogsFullAccess",
    b"CloudWatchLogsReadOnlyAccess",
    b"CloudWatchAgentServerPolicy",
    b"CloudWatchAgentAdminPolicy",
    b"CloudWatchEventsFullAccess",
    b"CloudWatchSyntheticsFullAccess",
    b"CloudFrontFullAccess",
    b"CloudFrontReadOnlyAccess",
    b"EC2InstanceConnect",
    b"EC2InstanceProfileForImageBuilder",
    b"ElasticLoadBalancingFullAccess",
    b"ElasticLoadBalancingReadOnly",
    b"SecretsManagerReadWrite",
    b"ServiceQuotasFullAccess",
    b"GlobalAcceleratorFullAccess",
    b"AutoScalingFullAccess",
    b"AutoScalingConsoleFullAccess",
    b"ComputeOptimizerReadOnlyAccess",
];

/// Is this a policy or a role that AWS manages?
pub(crate) fn is_managed(name: &[u8]) -> bool {
    let own = name.strip_prefix(b"AWS").or_else(|| name.strip_prefix(b"Amazon"));
    let word = || name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_');
    let ending = |name: &[u8]| MANAGED.iter().any(|ending| name.ends_with(ending));
    let linked = |name: &[u8]| name.starts_with(b"ServiceRoleFor");
    POLICIES.contains(&name) || own.is_some_and(|own| word() && (ending(own) || linked(own)))
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

    #[test]
    fn what_aws_manages_is_no_name_of_a_customer() {
        for name in [
            "AdministratorAccess",
            "AmazonS3ReadOnlyAccess",
            "AmazonEKS_CNI_Policy",
            "AmazonSSMManagedInstanceCore",
            "AWSLambdaBasicExecutionRole",
            "AWSServiceRoleForAutoScaling",
        ] {
            assert!(is_managed(name.as_bytes()), "{name}");
        }
        for name in ["AcmeS3ReadOnlyAccess", "AWS-acme-Access", "AmazonAcme", "Administrator"] {
            assert!(!is_managed(name.as_bytes()), "{name}");
        }
    }
}
