//! What the word, the key or the object around a value says that it is.

use super::{check, shown};

const P: &str = "[DB_PASSWORD]";
const K: &str = "[API_KEY]";
const A: &str = "[ACCOUNT]";
const R: &str = "[RESOURCE]";

#[test]
fn short_names_of_passwords() {
    for text in [
        "database:\n  pass: §\n",
        "pass=§\n",
        "db.pass=§",
        "smtp.pwd=§",
        "DB.PW: §",
        "curl -d \"username=a&pass=§\" x",
        "db_master_pass = \"§\"",
        "{\"replicaPw\": \"§\"}",
        "{'user': 'a', 'pw': '§'}",
    ] {
        let text_with = |value| text.replace('§', value);
        check(&[("", &text_with("Summer2024!"), &text_with(P))]);
    }
    for text in [
        "pwd: /home/anna2/App",
        "pass: 12\npass=true\npass: ${DB_PASS_1}",
        "tests_pass = runAll2Tests()",
        "PWD=/srv/app2X",
    ] {
        assert_eq!(shown(text, ""), text);
    }
}

#[test]
fn keys_of_secrets() {
    const V: &str = "x9K2mQ7vTz4RbW1nYc8HsP3d";
    for text in ["partner_key = \"§\"", "\"Jwt\": {\"Key\": \"§\"}", "opsgenie_key: §"] {
        check(&[("", &text.replace('§', V), &text.replace('§', K))]);
    }
    check(&[
        ("", "NEXTAUTH_SECRET=k7x2mq9lz1p+Ab/c0d", &format!("NEXTAUTH_SECRET={K}")),
        ("", "SECRET_KEY=7c9e6679-7425-40de-944b-e07fc1f90ae7", &format!("SECRET_KEY={K}")),
    ]);
    for text in [
        "NEXTAUTH_SECRET=prod/app/c0d",
        "cache_key = \"x9K2mQ7vTz4RbW1nYc8HsP3d\"",
        "\"Item\": {\"Key\": \"x9K2mQ7vTz4RbW1nYc8HsP3d\"}",
    ] {
        assert_eq!(shown(text, ""), text);
    }
}

#[test]
fn both_sides_of_a_change() {
    check(&[
        (
            "",
            "~ \"DB_PASS\" = \"Blue-Falcon-92\" -> \"Tiger42Lily\"",
            &format!("~ \"DB_PASS\" = \"{P}\" -> \"{P}\""),
        ),
        (
            "",
            "  name  = \"DB_PASSWORD\"\n~ value = \"Blue-Falcon-92\" -> \"Tiger42Lily\"",
            &format!("  name  = \"DB_PASSWORD\"\n~ value = \"{P}\" -> \"{P}\""),
        ),
    ]);
}

#[test]
fn accounts_of_environments() {
    check(&[
        ("", "prod: 481726350914\nstg: 998877665544\n", &format!("prod: {A}\nstg: {A}\n")),
        (
            "",
            "The prod account is 481726350914, staging is 998877665544 and dev 749312086455.",
            &format!("The prod account is {A}, staging is {A} and dev {A}."),
        ),
        (
            "",
            "{\"GroupId\": \"sg-0123456789abcdef0\", \"UserId\": \"481726350914\"}",
            &format!("{{\"GroupId\": \"[SG]\", \"UserId\": \"{A}\"}}"),
        ),
    ]);
    for text in [
        "{\"UserId\": \"481726350914\"}",
        "produced: 481726350914",
        "dev: 481726350914",
        "prod: 202611221030",
    ] {
        assert_eq!(shown(text, ""), text);
    }
}

#[test]
fn names_by_the_object_around_them() {
    check(&[
        (
            "",
            "{\"eventSource\": \"aws:s3\", \"s3\": {\"bucket\": {\"name\": \"vermilionraw\"}}, \"a\": \"AWS::S3::Bucket\"}",
            "{\"eventSource\": \"aws:s3\", \"s3\": {\"bucket\": {\"name\": \"[S3_BUCKET]\"}}, \"a\": \"AWS::S3::Bucket\"}",
        ),
        (
            "",
            "Type: AWS::EKS::Cluster\nProperties:\n  Name: kestrelk8s\n",
            &format!("Type: AWS::EKS::Cluster\nProperties:\n  Name: {R}\n"),
        ),
        (
            "",
            "{\"Tags\":[{\"Key\":\"Name\",\"Value\":\"kestrelbox\"}],\"ResourceType\":\"AWS::EC2::VPC\"}",
            &format!(
                "{{\"Tags\":[{{\"Key\":\"Name\",\"Value\":\"{R}\"}}],\"ResourceType\":\"AWS::EC2::VPC\"}}"
            ),
        ),
    ]);
    for text in [
        "Type: AWS::ECS::TaskDefinition\nProperties:\n  ContainerDefinitions:\n    - Name: nginx\n      Environment:\n        - Name: LOG_LEVEL\n",
        "Type: AWS::SNS::Topic\nMetadata:\n  Name: ReadMe\n",
        "{\"table\": {\"name\": \"users\"}}",
        "Tags:\n  - Key: Name\n    Value: the db\nType: AWS::EC2::VPC\n",
    ] {
        assert_eq!(shown(text, ""), text);
    }
}
