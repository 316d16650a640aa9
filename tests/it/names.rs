//! Names in what commands print, as the provider receives them.

use crate::printed::shown;

const ANSWERS: &[(&str, &str, &str)] = &[
    (
        "eksctl get nodegroup --cluster blue",
        "CLUSTER\t\tNODEGROUP\tSTATUS\nblue\t\tpool\tACTIVE\n",
        "CLUSTER\t\tNODEGROUP\tSTATUS\n[EKS_CLUSTER]\t\t[EKS_NODEGROUP]\tACTIVE\n",
    ),
    (
        "aws dynamodb list-tables --output table",
        "--------------------\n|    ListTables    |\n+------------------+\n||   TableNames   ||\n|+----------------+|\n||  orders        ||\n||  users         ||\n|+----------------+|\n",
        "--------------------\n|    ListTables    |\n+------------------+\n||   TableNames   ||\n|+----------------+|\n||  [DYNAMODB]        ||\n||  [DYNAMODB]         ||\n|+----------------+|\n",
    ),
    (
        "aws eks list-clusters --output table",
        "|  ListClusters  |\n+----------------+\n||   clusters   ||\n|+--------------+|\n||  blue        ||\n|+--------------+|\n",
        "|  ListClusters  |\n+----------------+\n||   clusters   ||\n|+--------------+|\n||  [EKS_CLUSTER]        ||\n|+--------------+|\n",
    ),
    (
        "aws s3api list-buckets --output table",
        "|  ListBuckets  |\n+--------+\n||  Buckets  ||\n|+------+------+|\n||  CreationDate  |  Name  ||\n|+------+------+|\n||  2026-01-02T03:04:05+00:00  |  raw1  ||\n|+------+------+|\n",
        "|  ListBuckets  |\n+--------+\n||  Buckets  ||\n|+------+------+|\n||  CreationDate  |  Name  ||\n|+------+------+|\n||  2026-01-02T03:04:05+00:00  |  [S3_BUCKET]  ||\n|+------+------+|\n",
    ),
    (
        "terraform output",
        "eks_cluster_name = \"blue\"\nraw_bucket = \"raw1\"\nstage = \"prod\"\n",
        "eks_cluster_name = \"[EKS_CLUSTER]\"\nraw_bucket = \"[S3_BUCKET]\"\nstage = \"prod\"\n",
    ),
    (
        "aws organizations list-accounts --query 'Accounts[].[Id,Name]' --output text",
        "481726350914\tAcme Payments\n",
        "[ACCOUNT]\t[ORG]\n",
    ),
    (
        "aws organizations list-accounts --query 'Accounts[].{Id:Id,Name:Name}' --output table",
        "|  ListAccounts  |\n+-----+-----+\n|  Id  |  Name  |\n+-----+-----+\n|  481726350914  |  Acme Payments   |\n+-----+-----+\n",
        "|  ListAccounts  |\n+-----+-----+\n|  Id  |  Name  |\n+-----+-----+\n|  [ACCOUNT]  |  [ORG]   |\n+-----+-----+\n",
    ),
    (
        "aws rds describe-events --source-identifier ledger",
        "{\"Events\": [{\"SourceIdentifier\": \"ledger\", \"Message\": \"restarted\"}]}",
        "{\"Events\": [{\"SourceIdentifier\": \"[RDS]\", \"Message\": \"restarted\"}]}",
    ),
    (
        "aws glue get-table --database-name lake --name orders",
        "{\"Table\": {\"CatalogId\": \"481726350914\"}}",
        "{\"Table\": {\"CatalogId\": \"[ACCOUNT]\"}}",
    ),
    ("terraform output -raw raw_bucket", "raw1", "[S3_BUCKET]"),
    ("terraform output -raw stage", "prod", "prod"),
    (
        "terraform -chdir=infra output -json",
        "{\n  \"raw_bucket\": {\n    \"sensitive\": false,\n    \"type\": \"string\",\n    \"value\": \"raw1\"\n  },\n  \"stage\": {\"type\": \"string\", \"value\": \"prod\"}\n}\n",
        "{\n  \"raw_bucket\": {\n    \"sensitive\": false,\n    \"type\": \"string\",\n    \"value\": \"[S3_BUCKET]\"\n  },\n  \"stage\": {\"type\": \"string\", \"value\": \"prod\"}\n}\n",
    ),
    (
        "pulumi stack output",
        "Current stack outputs (2):\n    OUTPUT      VALUE\n    bucketName  raw1\n    stage       prod\n",
        "Current stack outputs (2):\n    OUTPUT      VALUE\n    bucketName  [S3_BUCKET]\n    stage       prod\n",
    ),
];

#[test]
fn what_commands_print_in_tables_and_as_outputs() {
    for (command, answer, expected) in ANSWERS {
        assert_eq!(&shown(command, answer), expected, "{command}");
    }
}
