//! Tools that work with AWS, by their names: `mcp__eks__list_k8s_resources`, `aws___call_aws`.

use crate::detect::context::names::{Names, plain};
use crate::detect::context::{finding, value};
use crate::detect::{Catalog, Finding, Kind};

/// AWS, and services of its that no other thing is called like; and what they are called on its
/// command line.
const SERVICES: [(&str, &str); 40] = [
    ("aws", ""),
    ("awslabs", ""),
    ("boto3", ""),
    ("dynamodb", "dynamodb"),
    ("ddb", "dynamodb"),
    ("eks", "eks"),
    ("ecs", "ecs"),
    ("ecr", "ecr"),
    ("ec2", "ec2"),
    ("s3", "s3api"),
    ("rds", "rds"),
    ("sqs", "sqs"),
    ("sns", "sns"),
    ("iam", "iam"),
    ("kms", "kms"),
    ("ssm", "ssm"),
    ("lambda", "lambda"),
    ("cloudwatch", "cloudwatch"),
    ("cloudformation", "cloudformation"),
    ("cfn", "cloudformation"),
    ("cdk", "cloudformation"),
    ("cloudtrail", "cloudtrail"),
    ("cloudfront", "cloudfront"),
    ("route53", "route53"),
    ("secretsmanager", "secretsmanager"),
    ("elasticache", "elasticache"),
    ("redshift", "redshift"),
    ("kinesis", "kinesis"),
    ("firehose", "firehose"),
    ("athena", "athena"),
    ("stepfunctions", "stepfunctions"),
    ("apigateway", "apigateway"),
    ("bedrock", "bedrock"),
    ("sagemaker", "sagemaker"),
    ("efs", "efs"),
    ("emr", "emr"),
    ("msk", "kafka"),
    ("docdb", "docdb"),
    ("documentdb", "docdb"),
    ("cognito", "cognito-idp"),
];
/// No name of a tool is longer.
const LONGEST: usize = 256;

/// A tool that works with AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tool {
    /// With one service of its.
    service: Option<&'static str>,
}

impl Tool {
    pub(super) fn service(self) -> Option<&'static str> {
        self.service
    }

    /// What a tool of this name works with, if that is AWS.
    #[must_use]
    pub fn of_aws(name: &str) -> Option<Self> {
        let name = name.get(..LONGEST).unwrap_or(name).to_ascii_lowercase();
        let words = || name.split(|c: char| !c.is_ascii_alphanumeric());
        let known = words().filter_map(|word| SERVICES.iter().find(|(known, _)| *known == word));
        let mut known = known.map(|(_, service)| *service).peekable();
        known.peek()?;
        Some(Self { service: known.find(|service| !service.is_empty()) })
    }
}

impl Catalog {
    /// What the field of a tool's input holds, if the tool's service tells: a cluster of ECS
    /// under `cluster`.
    #[must_use]
    pub fn find_given(&self, tool: Tool, field: &str, text: &str) -> Option<Finding> {
        let names = &self.context.names;
        let kind = names.given(tool.service?.as_bytes(), field.as_bytes())?;
        let (bytes, all) = (text.as_bytes(), 0..text.len());
        let span = value::name(bytes, all.clone(), field.as_bytes())?;
        let teach = text.get(span.clone()).is_some_and(|name| value::is_distinct(name.as_bytes()));
        (value::run(bytes, 0) == all).then(|| Finding { teach, ..finding(span, kind) })
    }
}

impl Names {
    fn given(&self, service: &[u8], field: &[u8]) -> Option<Kind> {
        let field = plain(field);
        let bare = matches!(field.as_slice(), b"name" | b"names" | b"id" | b"ids" | b"identifier");
        let find = |name: &[u8]| self.meant(service, b"", name);
        find(&field).or_else(|| find(field.strip_suffix(b"s")?)).filter(|_| !bare)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_tools_speak_of_services() {
        for (name, service) in [
            ("mcp__eks__list_k8s_resources", Some("eks")),
            ("mcp__aws-api__call_aws", None),
            ("call_aws", None),
            ("mcp__awslabs_dynamodb-mcp-server__scan", Some("dynamodb")),
            ("mcp__S3__list_objects", Some("s3api")),
        ] {
            assert_eq!(Tool::of_aws(name), Some(Tool { service }), "{name}");
        }
        for name in ["Bash", "", "mcp__jira__search", "mcp__postgres__query", "lawsuit", "s3cmdx"] {
            assert_eq!(Tool::of_aws(name), None, "{name}");
        }
    }
}
