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

/// What AWS calls what it makes in everybody's account, and what its tools do: a workgroup of
/// Athena, groups of X-Ray and Scheduler, vaults of Backup, stacks and roles of CDK, SAM,
/// Organizations and Control Tower, a group of logs of RDS.
const GIVEN: [&[u8]; 16] = [
    b"primary",
    b"Default",
    b"CDKToolkit",
    b"aws-sam-cli-managed-default",
    b"OrganizationAccountAccessRole",
    b"AWSControlTowerExecution",
    b"AWSControlTowerAdmin",
    b"aws-controltower-AdministratorExecutionRole",
    b"aws-controltower-ReadOnlyExecutionRole",
    b"aws-controltower-ForwardSnsNotificationRole",
    b"AWSCloudFormationStackSetAdministrationRole",
    b"AWSCloudFormationStackSetExecutionRole",
    b"rds-monitoring-role",
    b"ecsTaskExecutionRole",
    b"ecsInstanceRole",
    b"RDSOSMetrics",
];
/// How names of documents of Systems Manager and of machine images begin that AWS and others
/// publish for everybody: AWS's names have a hyphen behind the service.
const PUBLISHED: [&[u8]; 28] = [
    b"AmazonCloudWatch-",
    b"AmazonEFSUtils",
    b"AmazonInspector-",
    b"AmazonInspector2-",
    b"AWSSupport-",
    b"AWSEC2-",
    b"AWSFleetManager-",
    b"AWSConfigRemediation-",
    b"AWSConformancePacks-",
    b"AWSEC2Launch-",
    b"AWSKinesisTap",
    b"AWSPVDriver",
    b"AWSNVMe",
    b"AWSQuickSetup",
    b"AWSQuickStarts-",
    b"AWSResilienceHub-",
    b"AWSDistroOTel-",
    b"al2022-ami-",
    b"al2023-ami-",
    b"amzn-ami-",
    b"amzn2-ami-",
    b"amazon-eks-node-",
    b"amazon-eks-arm64-node-",
    b"amazon-eks-gpu-node-",
    b"bottlerocket-aws-",
    b"ubuntu/images/",
    b"Windows_Server-",
    b"RHEL-",
];

/// Does AWS, or who publishes for everybody, call so what stands in all accounts?
pub(crate) fn is_given(name: &[u8]) -> bool {
    GIVEN.contains(&name) || PUBLISHED.iter().any(|start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_all_accounts_is_no_name_of_a_customer() {
        for name in [
            "primary",
            "CDKToolkit",
            "AmazonCloudWatch-ManageAgent",
            "al2023-ami-2023.1.20230628.0-kernel-6.1-x86_64",
            "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-20240301",
        ] {
            assert!(is_given(name.as_bytes()), "{name}");
        }
        for name in ["primary-eu", "default-web", "AcmeToolkit", "acme-al2023-ami-1", "Amazon"] {
            assert!(!is_given(name.as_bytes()), "{name}");
        }
    }

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
