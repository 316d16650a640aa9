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
        "STRIPE_TOKEN | KEY",
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
        "| api_key | Your key, as in q9Zt7LmPx2 |",
        "name | value\nkey | q9Zt7LmPx2Rk4VwBn8YcH1sD\ncache_key | q9Zt7LmPx2Rk4VwBn8YcH1sD",
        "|token| x1y2z3 |",
        "a password | grep x1y2",
    ] {
        assert_eq!(shown(text, ""), text);
    }
}
