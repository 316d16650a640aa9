//! What a type beside it says is a secret.

use super::{check, shown};

const P: &str = "[DB_PASSWORD]";

#[test]
fn all_values_of_a_secret_of_kubernetes_are_masked() {
    check(&[
        (
            "",
            "apiVersion: v1\ndata:\n  pw: aHVudGVyMlNv\n  conn: \"cG9zdGdyZXM6\"\nkind: Secret\nmetadata:\n  name: db\n",
            &format!(
                "apiVersion: v1\ndata:\n  pw: {P}\n  conn: \"{P}\"\nkind: Secret\nmetadata:\n  name: db\n"
            ),
        ),
        (
            "",
            "kind: Secret\nstringData:\n  conn: hunter2Sommer9\n  url: |\n    first-line-9\n    second-line-8\n  region: eu-west-1\n  on: \"1\"\ntype: Opaque9",
            &format!(
                "kind: Secret\nstringData:\n  conn: {P}\n  url: |\n    {P}\n    {P}\n  region: eu-west-1\n  on: \"1\"\ntype: Opaque9"
            ),
        ),
        (
            "",
            "{\"apiVersion\":\"v1\",\"data\":{\"pw\":\"aHVudGVyMlNv\",\"b\":\"cG9zdGdyZXM6\"},\"kind\":\"Secret\",\"metadata\":{\"data\":{\"x\":\"aHVudGVyMlNv\"}}}",
            &format!(
                "{{\"apiVersion\":\"v1\",\"data\":{{\"pw\":\"{P}\",\"b\":\"{P}\"}},\"kind\":\"Secret\",\"metadata\":{{\"data\":{{\"x\":\"aHVudGVyMlNv\"}}}}}}"
            ),
        ),
        (
            "",
            "{\n  \"kind\": \"Secret\",\n  \"stringData\": {\n    \"a\": \"hunter2Sommer9\"\n  }\n}",
            &format!(
                "{{\n  \"kind\": \"Secret\",\n  \"stringData\": {{\n    \"a\": \"{P}\"\n  }}\n}}"
            ),
        ),
    ]);
}

#[test]
fn manifests_as_people_and_tools_write_them() {
    check(&[
        (
            "",
            "     1\tkind: Secret\n     2\tstringData:\n     3\t  a: hunter2Sommer9\n",
            &format!("     1\tkind: Secret\n     2\tstringData:\n     3\t  a: {P}\n"),
        ),
        (
            "",
            "+kind: Secret\n+data:\n+  a: aHVudGVyMlNv\n",
            &format!("+kind: Secret\n+data:\n+  a: {P}\n"),
        ),
        (
            "",
            "kind: \"Secret\"\ndata: # all\n  pw: aHVudGVyMlNv # old\n",
            &format!("kind: \"Secret\"\ndata: # all\n  pw: {P} # old\n"),
        ),
        (
            "",
            "{\"kind\":\"Secret\",\"data\":{\"z\":null,\"n\":7,\"a\":\"aHVudGVyMlNv\"}}",
            &format!("{{\"kind\":\"Secret\",\"data\":{{\"z\":null,\"n\":7,\"a\":\"{P}\"}}}}"),
        ),
        (
            "",
            "kind: Secret\nstringData:\n  a: \"unclosed9ü\n  b: \"hunter2Sommer8\n    second-line-8\"\n",
            &format!("kind: Secret\nstringData:\n  a: \"{P}\n  b: \"{P}\n    {P}\"\n"),
        ),
        (
            "",
            "kind: Secret\nstringData:\n  cfg: |\n    region = us-east-1\n    server: localhost:5432\n    # line9\n",
            "kind: Secret\nstringData:\n  cfg: |\n    region = us-east-1\n    server: localhost:5432\n    # line9\n",
        ),
    ]);
    let far =
        format!("kind: Secret\ndata:\n{}", format!("  k: {}\n", "QUJD".repeat(400)).repeat(20));
    assert_eq!(shown(&far, "").matches(P).count(), 20);
    let zone = "{\"sensitive\": true, \"value\": \"us-east-1a\"} {\"sensitive\": true, \"value\": \"t3.micro\"}";
    assert_eq!(shown(zone, ""), zone);
}

/// Of a list, or of several documents.
#[test]
fn what_belongs_to_another_object_stays() {
    for text in [
        "kind: ConfigMap\ndata:\n  pw: aHVudGVyMlNv\n---\nkind: Secret\ntype: Opaque\n",
        "kind: Secret\ntype: Opaque\n---\nkind: ConfigMap\ndata:\n  pw: aHVudGVyMlNv\n",
        "items:\n- apiVersion: v1\n  data:\n    pw: aHVudGVyMlNv\n  kind: ConfigMap\n- apiVersion: v1\n  kind: Secret\n- data:\n    pw: aHVudGVyMlNv\n  kind: ConfigMap\n",
        "{\"items\":[{\"data\":{\"pw\":\"aHVudGVyMlNv\"},\"kind\":\"ConfigMap\"},{\"kind\":\"Secret\"},{\"data\":{\"pw\":\"aHVudGVyMlNv\"}}]}",
        "kind: Secret\nstringData:\n  pw: ${DB_PASSWORD_1}\n  b: {{ .Values.pw1 }}\n  c: <your-password1>\n",
        "kind: SecretProviderClass\ndata:\n  pw: aHVudGVyMlNv\n",
        "# kind: Secret\ndata:\n  pw: aHVudGVyMlNv\n",
        "kind: Secret\nspec:\n  pw: aHVudGVyMlNv\n",
        "{\"data\":{\"pw\":\"aHVudGVyMlNv\"},\"kind\":\"ConfigMap\",\"kind\":\"Secret\"}",
        "{\"kind\":\"Secrets\",\"data\":{\"pw\":\"aHVudGVyMlNv\"}}",
    ] {
        assert_eq!(shown(text, ""), text);
    }
    let list = "items:\n- apiVersion: v1\n  data:\n    pw: aHVudGVyMlNv\n  kind: Secret\n- data:\n    pw: YWJjZGVmZmho\n  kind: ConfigMap\n";
    assert_eq!(shown(list, ""), list.replace("aHVudGVyMlNv", P));
}

#[test]
fn outputs_of_terraform_that_are_sensitive_are_masked() {
    check(&[
        (
            "",
            "{\n  \"conn\": {\n    \"sensitive\": true,\n    \"type\": \"string\",\n    \"value\": \"hunter2Sommer9\"\n  }\n}",
            &format!(
                "{{\n  \"conn\": {{\n    \"sensitive\": true,\n    \"type\": \"string\",\n    \"value\": \"{P}\"\n  }}\n}}"
            ),
        ),
        (
            "",
            "{\"conn\":{\"value\":\"hunter2Sommer9\",\"type\":\"string\",\"sensitive\":true}}",
            &format!("{{\"conn\":{{\"value\":\"{P}\",\"type\":\"string\",\"sensitive\":true}}}}"),
        ),
        (
            "",
            "{\"a\":{\"sensitive\":true},\"b\":{\"value\":\"hunter2Sommer9\",\"sensitive\":false}}",
            "{\"a\":{\"sensitive\":true},\"b\":{\"value\":\"hunter2Sommer9\",\"sensitive\":false}}",
        ),
    ]);
}

#[test]
fn however_often_the_kind_is_said_work_is_bounded() {
    let catalog = &super::DEFAULT;
    for part in [
        "kind: Secret\n",
        "{\"kind\":\"Secret\",\"data\":",
        "\"kind\":\"Secret\"[",
        "  - kind: Secret\n   ",
    ] {
        let mut out = Vec::new();
        catalog.scan(&part.repeat(20_000), "", &[], &mut out);
        assert!(out.is_empty(), "{part}");
    }
}
