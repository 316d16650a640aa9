//! Tables of names and values, and columns of secrets.

use super::{check, shown};

const P: &str = "[DB_PASSWORD]";
const K: &str = "[API_KEY]";
const PASSWORD: &str = "Zx81LpVw9!";
const KEY: &str = "q9Zt7LmPx2Rk4VwBn8YcH1sD";

/// Checks that in `table` the password and the key go, and nothing else.
fn check_table(table: &str) {
    let text = table.replace("PW", PASSWORD).replace("KEY", KEY);
    check(&[("", &text, &table.replace("PW", P).replace("KEY", K))]);
}

#[test]
fn values_beside_their_names() {
    for table in [
        "Key         Value\n---         -----\npassword    PW\napi_key     KEY\nport        5432",
        "| Variable | Value |\n|---|---|\n| `DB_PASSWORD` | `PW` |\n| STRIPE_TOKEN | KEY |\n| PORT | 8080 |",
        "│ NAME        │ VALUE │\n├─────────────┼───────┤\n│ DB_PASSWORD │ PW │\n│ LOG │ info1 │",
        "+------+-------+\n| NAME | VALUE |\n+------+-------+\n| DB_PASSWORD | PW |\n| GH_TOKEN | KEY |\n+------+",
        "name,value\nDB_PASSWORD,PW\nAPP_TOKEN,KEY\nPORT,8080",
        " key | value\n-----+----\n smtp_password | PW\n theme | dark1",
        "|  Name  |  Type  |  Value  |\n+---+---+---+\n|  /app/db_password | SecureString | PW |\n",
        "  Name         Container  Value\n  ----         ---------  -----\n  DB_PASSWORD  api        PW",
        r"Key\tValue\nDB_PASSWORD\tPW\nPORT\t8080",
    ] {
        check_table(&table.replace(r"\t", "\t"));
    }
}

#[test]
fn cells_behind_a_name() {
    for table in [
        "|  GetFunctionConfiguration |\n+----+----+\n|  DB_PASSWORD |  PW |\n|  STAGE | prod1 |",
        "║ DB_PASSWORD │ PW ║\n║ PORT │ 8080 ║",
        "| STRIPE_TOKEN | KEY |",
    ] {
        check_table(table);
    }
}

#[test]
fn columns_of_keys() {
    for table in [
        "  id | api_key\n----+---------\n  1 | KEY\n  2 | KEY",
        " id | token | name\n----+----+---\n 1 | KEY | x1y2z3",
        "id,access_token,name\n1,KEY,x",
        // Rows that are called like the head.
        "id,token\naccess_token,KEY\nrefresh_token,KEY",
        "id,Client Secret\nclient_secret,KEY",
        "NAME    API Key    AGE\nx       KEY        3d",
    ] {
        check_table(table);
    }
}

#[test]
fn tables_without_secrets() {
    for text in [
        "| Field | Type | Value |\n|---|---|---|\n| password | string(64) | none |",
        "for (key, value) in all { x[key] = value; }\npassword, PW_81LpVw",
        "| password | Password of the user, 8 to 64 characters |",
        "| api_key | Your key, as in q9zt7lmpx2 |",
        "name | value\nkey | q9Zt7LmPx2Rk4VwBn8YcH1sD\ncache_key | q9Zt7LmPx2Rk4VwBn8YcH1sD",
        "chain | token | amount\n1 | 0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48 | 5",
        "| service | secret |\n|---|---|\n| a | prod/api/Db2Creds9xK4pLqW3 |",
        "  get_db_password | base64 -d9Ax | x",
        "grep -iE 'user|password|secret_?key1A' x",
        "let x: email | password | oauth2Ab;",
        "  | Password | OAuth2Token3 => {}",
        "|password| password==\"x1Ab2345\"",
        "| password | SCRAM-SHA-256 |\n| password | max_length=128 |\n| password | bytes32 |",
        "key,value\nlogin.forgot_password,Forgot?\nMAX_PASSWORD,1024*1024\nhash_password,sha256",
        "|token| x1y2z3 |",
        "a password | grep x1y2",
    ] {
        assert_eq!(shown(text, ""), text);
    }
}

/// `Read`, `grep -n`, `git diff` and logs put something before each line.
#[test]
fn behind_prefixes_of_lines() {
    let texts = [
        "- name: DB_PASSWORD\n  value: PW\n",
        "accounts:\n  - '481726350914'\n  - 998877665544\n",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEAx1vqv\nMIIEowIBAAKCAQEAx1vqv\n-----END RSA PRIVATE KEY-----\nx: 1\n",
        "| Variable | Value |\n|---|---|\n| STRIPE_TOKEN | KEY |\n",
        "resource \"aws_db_instance\" \"d\" {\n  identifier = \"vermilion\"\n}\n",
    ];
    for text in texts.map(|text| text.replace("PW", PASSWORD).replace("KEY |", &format!("{KEY} |")))
    {
        let bare = shown(&text, "");
        let kinds = |shown: &str| {
            let begins = |rest: &&str| rest.starts_with(|c: char| c.is_ascii_uppercase());
            shown.split('[').skip(1).filter(begins).count()
        };
        assert!(kinds(&bare) > 0, "{bare}");
        for prefix in [
            |n: usize| format!("{n:>6}→"),
            |n: usize| format!("{n:>6}\t"),
            |n: usize| format!("deploy/app.yml:{n}:"),
            |n: usize| format!("deploy/app.yml-{n}-"),
            |_: usize| "api-1  | ".to_owned(),
            |_: usize| "2026-11-22T10:00:00.1Z ".to_owned(),
            |_: usize| "> ".to_owned(),
            |_: usize| "Nov 22 10:00:00 host app[7]: ".to_owned(),
        ] {
            let lines = text.lines().enumerate();
            let prefixed: String =
                lines.map(|(at, line)| format!("{}{line}\n", prefix(at + 8))).collect();
            let got = shown(&prefixed, "");
            assert_eq!(kinds(&got), kinds(&bare), "{got}");
            for value in [PASSWORD, KEY, "481726350914", "MIIE", "vermilion"] {
                assert!(!got.contains(value), "{got}");
            }
        }
    }
    let diff = "diff --git a/x b/x\n@@ -1,2 +1,2 @@\n - name: DB_PASSWORD\n+  value: Zx81LpVw9!\n";
    assert!(!shown(diff, "").contains("Zx81"), "{}", shown(diff, ""));
}
