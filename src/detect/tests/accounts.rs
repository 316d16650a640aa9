//! Account ids in columns, lists and logs.

use super::check;

const A: &str = "481726350914";

#[test]
fn columns_of_accounts() {
    check(&[
        ("", "AccountId,Name\n481726350914,prod\n", "AccountId,Name\n[ACCOUNT],prod\n"),
        (
            "",
            "Name,Account ID,State\r\n\"Acme, Inc\",\"481726350914\",ACTIVE\r\nb,998877665544,x",
            "Name,Account ID,State\r\n\"Acme, Inc\",\"[ACCOUNT]\",ACTIVE\r\nb,[ACCOUNT],x",
        ),
        (
            "",
            "bill/PayerAccountId\tlineItem/UsageAccountId\tcost\n481726350914\t998877665544\t123456789012",
            "bill/PayerAccountId\tlineItem/UsageAccountId\tcost\n[ACCOUNT]\t[ACCOUNT]\t123456789012",
        ),
        (
            "",
            "| Account ID | Env |\n|---|:--:|\n| 481726350914 | prod |\n| `9988-7766-5544` | dev |\n\nrun 123456789012",
            "| Account ID | Env |\n|---|:--:|\n| [ACCOUNT] | prod |\n| `[ACCOUNT]` | dev |\n\nrun 123456789012",
        ),
        (
            "",
            "+----+----+\n|  Id | AccountId |\n+----+----+\n| 123456789012 | 481726350914 |\n+----+----+",
            "+----+----+\n|  Id | AccountId |\n+----+----+\n| 123456789012 | [ACCOUNT] |\n+----+----+",
        ),
        ("", "account_id\n481726350914\n998877665544", "account_id\n[ACCOUNT]\n[ACCOUNT]"),
        (
            "",
            r"x\nAccountId,Name\n481726350914,prod\nend",
            r"x\nAccountId,Name\n[ACCOUNT],prod\nend",
        ),
        (
            "",
            "AccountId,Name\n481726350914,prod\nName,LinkedAccountId\n123456789012,998877665544",
            "AccountId,Name\n[ACCOUNT],prod\nName,LinkedAccountId\n123456789012,[ACCOUNT]",
        ),
    ]);
    for text in [
        "AccountName,Id\nprod,481726350914",
        "Name,Id\nprod,481726350914\n",
        "AccountId,Name\nx\n481726350914,prod",
        "AccountId,Name\n\n481726350914,prod",
        "AccountId,Name\n4817263509140,prod\n48172635091,dev",
        "The new account, which was made by us, and others\n481726350914, 998877665544, 123456789012",
        "account_id\nid\n481726350914",
        "| Accounts of users |\n| 1 |\n123456789012",
    ] {
        check(&[("", text, text)]);
    }
}

#[test]
fn accounts_by_their_names() {
    check(&[
        (
            "",
            "accounts:\n  prod: \"481726350914\"\n  dev:  998877665544 # old\nid: 123456789012",
            "accounts:\n  prod: \"[ACCOUNT]\"\n  dev:  [ACCOUNT] # old\nid: 123456789012",
        ),
        (
            "",
            "x:\n  account_ids:\n    prod: '481726350914'\n  other:\n    y: 123456789012",
            "x:\n  account_ids:\n    prod: '[ACCOUNT]'\n  other:\n    y: 123456789012",
        ),
        (
            "",
            "{\"accounts\": {\"prod\": \"481726350914\",\n \"dev\": \"998877665544\"}, \"n\": \"123456789012\"}",
            "{\"accounts\": {\"prod\": \"[ACCOUNT]\",\n \"dev\": \"[ACCOUNT]\"}, \"n\": \"123456789012\"}",
        ),
        (
            "",
            r#"{\"accounts\":{\"prod\":\"481726350914\"}}"#,
            r#"{\"accounts\":{\"prod\":\"[ACCOUNT]\"}}"#,
        ),
        (
            "",
            "account_ids = {\n  prod = \"481726350914\"\n  dev  = \"998877665544\"\n}",
            "account_ids = {\n  prod = \"[ACCOUNT]\"\n  dev  = \"[ACCOUNT]\"\n}",
        ),
        // Lists of them.
        (
            "",
            "AWS accounts:\n- prod: 481726350914\n- dev: 998877665544\n",
            "AWS accounts:\n- prod: [ACCOUNT]\n- dev: [ACCOUNT]\n",
        ),
        (
            "",
            "aws_accounts:\n  - '481726350914'\n  - 998877665544\nids:\n  - 123456789012",
            "aws_accounts:\n  - '[ACCOUNT]'\n  - [ACCOUNT]\nids:\n  - 123456789012",
        ),
        (
            "",
            "mapAccounts: |\n  - \"481726350914\"\nkind: x",
            "mapAccounts: |\n  - \"[ACCOUNT]\"\nkind: x",
        ),
        (
            "",
            "aws:allowedAccountIds:\n- \"481726350914\"\n- \"998877665544\"\n\n- \"123456789012\"",
            "aws:allowedAccountIds:\n- \"[ACCOUNT]\"\n- \"[ACCOUNT]\"\n\n- \"123456789012\"",
        ),
        (
            "",
            "\"accountIds\": [\n  \"481726350914\",\n  \"998877665544\"\n], \"n\": [123456789012]",
            "\"accountIds\": [\n  \"[ACCOUNT]\",\n  \"[ACCOUNT]\"\n], \"n\": [123456789012]",
        ),
    ]);
    for text in [
        "accounts:\n  list:\n    balance: 123456789012",
        "accounts:\nnext: 123456789012",
        "accounts: {\n  balances: {a: 123456789012}}",
        "accounts = fetch();\n  n = 123456789012",
        "accounts:\n  prod: 1234567890123\n  dev: 123456789012.5",
        "accounts_total:\n  sum: 123456789012",
        "accounts:\n  - balance: 1\n  - n: 123456789012",
    ] {
        check(&[("", text, text)]);
    }
}

#[test]
fn accounts_in_logs_and_costs() {
    check(&[
        (
            "",
            "2 481726350914 eni-0123456789abcdef0 10.0.0.1 52.1.2.3 443 49152 6 25 20000 1418530010 1418530070 ACCEPT OK",
            "2 [ACCOUNT] [ENI] [PRIVATE_IP] 52.1.2.3 443 49152 6 25 20000 1418530010 1418530070 ACCEPT OK",
        ),
        ("", "481726350914:/aws/lambda/ledger-api", "[ACCOUNT]:/aws/lambda/[LAMBDA]"),
        ("", "filter @log = \"481726350914:orders\"", "filter @log = \"[ACCOUNT]:orders\""),
        (
            "",
            "The repository with name 'x' does not exist in the registry with id '481726350914'",
            "The repository with name 'x' does not exist in the registry with id '[ACCOUNT]'",
        ),
        ("", "{\"LinkedAccount\": \"481726350914\"}", "{\"LinkedAccount\": \"[ACCOUNT]\"}"),
        (
            "",
            "\"Key\": \"LINKED_ACCOUNT\",\n\"Values\": [\n  \"481726350914\"\n], \"n\": 123456789012",
            "\"Key\": \"LINKED_ACCOUNT\",\n\"Values\": [\n  \"[ACCOUNT]\"\n], \"n\": 123456789012",
        ),
    ]);
    for text in [
        "2 123456789012 enigma 1",
        "2 123456789012 eni-x 123456789012:/awsome",
        "\"Values\": [\n  \"123456789012\"\n]",
        "log = 123456789012:orders",
    ] {
        check(&[("", text, text)]);
    }
}

#[test]
fn accounts_that_words_beside_them_tell() {
    for text in [
        "| Account | ID |\n|---|---|\n| prd | § |\n",
        "| AWS Account | ID | Owner |\n|---|---|---|\n| prd | § | Mia |\n",
        "Payer is §.",
        "Konto §, compte AWS §, cuenta AWS §",
        "move it from § to the new AWS account",
        "prod (§) and dev (§) accounts",
        "Deploying to § in eu-west-1",
        "§/eu-west-1: creating",
        "StackSet instance § eu-west-1 CURRENT",
        "variable \"account_id\" {\n  default = \"§\"\n}",
        "Mappings:\n  Accounts:\n    '§': {Stage: prd}",
        "resource \"aws_x\" \"y\" {\n  trusted = [\"§\"]\n}",
    ] {
        check(&[("", &text.replace('§', A), &text.replace('§', "[ACCOUNT]"))]);
    }
    for text in [
        "order 481726350914 in december",
        "{\"type\": \"AWS::DynamoDB::Table\", \"n\": {\"N\": \"481726350914\"}}",
        "| Order | ID |\n|---|---|\n| a | 481726350914 |\n",
        "backup 202611221030 in eu-west-1",
    ] {
        assert_eq!(super::shown(text, ""), text);
    }
}

#[test]
fn accounts_that_sentences_and_pairs_tell() {
    for text in [
        "why does § not see the shared AMI from §?",
        "add § to the trust policy please",
        "# assume role deployer in §",
        "~ value = \"§\" -> \"§\"",
        "- name: AWS_ACCOUNT\n  value: \"§\"\n",
        "{\"Name\": \"HUB_ACCOUNT_ID\", \"Value\": \"§\"}",
        "Map.of(\"prod\", \"§\", \"stg\", \"§\");",
        "new Map([['§', 'prod']]);",
        "{\"§\": \"staging\"}",
    ] {
        check(&[("", &text.replace('§', A), &text.replace('§', "[ACCOUNT]"))]);
    }
    for text in [
        "~ value = \"481726350914\" -> \"none\"",
        "- name: ORDER\n  value: \"481726350914\"\n",
        "Map.of(\"order\", \"481726350914\");",
        "{\"481726350914\": \"shipped\"}",
        "add 202611221030 to the trust policy",
        "order 481726350914\nassume role x",
    ] {
        check(&[("", text, text)]);
    }
}
