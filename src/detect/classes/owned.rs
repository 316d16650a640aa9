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
const GIVEN: [&[u8]; 22] = [
    b"AmazonCloudWatch-ManageAgent",
    b"AmazonCloudWatch-MigrateCloudWatchAgent",
    b"AmazonEFSUtils",
    b"AWSKinesisTap",
    b"AWSPVDriver",
    b"AWSNVMe",
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
/// How names of documents of Systems Manager begin that AWS publishes for everybody. One word in
/// capitals and small letters follows: `AWSSupport-ResetAccess`.
const DOCUMENTS: [&[u8]; 10] = [
    b"AmazonInspector-",
    b"AmazonInspector2-",
    b"AWSSupport-",
    b"AWSEC2-",
    b"AWSFleetManager-",
    b"AWSConfigRemediation-",
    b"AWSConformancePacks-",
    b"AWSEC2Launch-",
    b"AWSResilienceHub-",
    b"AWSDistroOTel-",
];
/// How names of machine images begin that AWS and others publish. What follows is versions, dates
/// and [`BUILDS`]: who builds an image on one of them calls it so, too, and adds a word of his own.
const IMAGES: [&[u8]; 11] = [
    b"al2022-ami-",
    b"al2023-ami-",
    b"amzn-ami-",
    b"amzn2-ami-",
    b"amazon-eks-node-",
    b"amazon-eks-arm64-node-",
    b"amazon-eks-gpu-node-",
    b"bottlerocket-aws-",
    b"ubuntu/images/hvm-ssd",
    b"Windows_Server-",
    b"RHEL-",
];
/// Words in such names, in small letters.
const BUILDS: [&[u8]; 50] = [
    b"ami",
    b"hvm",
    b"kernel",
    b"x",
    b"arm",
    b"amd",
    b"minimal",
    b"ebs",
    b"gp",
    b"ssd",
    b"hourly",
    b"access",
    b"ecs",
    b"eks",
    b"gpu",
    b"inf",
    b"neuron",
    b"nvidia",
    b"dotnet",
    b"mate",
    b"al",
    b"k",
    b"s",
    b"v",
    b"standard",
    b"english",
    b"japanese",
    b"full",
    b"base",
    b"core",
    b"sql",
    b"enterprise",
    b"web",
    b"express",
    b"optimized",
    b"stig",
    b"containers",
    b"latest",
    b"server",
    b"ubuntu",
    b"pro",
    b"trusty",
    b"xenial",
    b"bionic",
    b"focal",
    b"jammy",
    b"kinetic",
    b"lunar",
    b"mantic",
    b"noble",
];

/// Does AWS, or who publishes for everybody, call so what stands in all accounts?
pub(crate) fn is_given(name: &[u8]) -> bool {
    let behind = |starts: &[&[u8]]| starts.iter().find_map(|start| name.strip_prefix(*start));
    let word = |rest: &[u8]| {
        rest.first().is_some_and(u8::is_ascii_uppercase)
            && rest.iter().all(u8::is_ascii_alphanumeric)
    };
    GIVEN.contains(&name)
        || behind(&DOCUMENTS).is_some_and(word)
        || behind(&IMAGES).is_some_and(is_build)
}

/// Versions, dates, hashes and words of those who publish images.
fn is_build(rest: &[u8]) -> bool {
    let of_build = |b: &u8| b.is_ascii_alphanumeric() || b"._-/".contains(b);
    rest.iter().all(of_build)
        && rest.split(|b| !b.is_ascii_alphabetic()).all(|word| {
            let word = word.to_ascii_lowercase();
            // Of a hash, letters stand between digits.
            word.iter().all(|b| (b'a'..=b'f').contains(b)) || BUILDS.contains(&word.as_slice())
        })
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
            "amzn2-ami-kernel-5.10-hvm-2.0.20230628.0-x86_64-gp2",
            "amazon-eks-node-1.29-v20240202",
            "bottlerocket-aws-k8s-1.29-x86_64-v1.19.0-64049ba8",
            "RHEL-9.2.0_HVM-20230503-x86_64-41-Hourly2-GP2",
            "Windows_Server-2022-English-Full-Base-2023.06.14",
            "AWSSupport-ResetAccess",
        ] {
            assert!(is_given(name.as_bytes()), "{name}");
        }
        for name in [
            "primary-eu",
            "default-web",
            "AcmeToolkit",
            "acme-al2023-ami-1",
            "Amazon",
            "RHEL-9-acme-golden",
            "amzn2-ami-hvm-acme",
            "AmazonCloudWatch-acme-prod",
            "AmazonCloudWatch-Acme",
            "AWSSupport-acme-1",
        ] {
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
