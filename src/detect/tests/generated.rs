//! What generators make, with any signs, with hardly a digit, and as UUIDs.

use super::check;

const P: &str = "[DB_PASSWORD]";
const K: &str = "[API_KEY]";

#[test]
fn passwords_with_any_sign() {
    for value in ["E7IHgYI{ruiq}Fho", "Zv(5Ypu8D>0f>zFw", "KEb7]8Klr{XR?P?X", "{34gK5vME@mbIhjv"] {
        for text in [
            "db:\n  password: §\n  port: 5432\n",
            "DB_PASSWORD=§\nPORT=1",
            "spring.datasource.password=§",
            "Password: §",
            "The password is §",
            "password = \"§\"",
            "password: '§'",
            "{\"SecretString\": \"§\"}",
        ] {
            check(&[("", &text.replace('§', value), &text.replace('§', P))]);
        }
        for text in
            ["SECRET_KEY = \"§\"", "{\"clientSecret\": \"§\"}", "api_key = \"§\"", "token: \"§\""]
        {
            check(&[("", &text.replace('§', value), &text.replace('§', K))]);
        }
    }
    let django = "django-insecure-x7k$2mq9&lz1pa_b4@wt8yn)c5r!";
    check(&[
        ("", &format!("SECRET_KEY = '{django}'"), &format!("SECRET_KEY = '{K}'")),
        ("", "API_KEY=kX9!mQ2#vLp7@wRt", &format!("API_KEY={K}")),
        ("", "password=Kv7mTq2wLz9;user=x", &format!("password={P};user=x")),
        // No expression, although letters on both sides of a hyphen look like a range.
        ("", "password: \"Mega-zorg7!\"", &format!("password: \"{P}\"")),
        ("", "password: \"aB9(?xq2Lm\"", &format!("password: \"{P}\"")),
    ]);
    for text in [
        "password = getPass1(a[B2],C3)",
        "password: getToken1(user,B2)",
        "token = Foo1.bar[Baz2].qux(v3)",
        "pkcs_9_at_pkcs15Token = _OID(pkcs_9_at, 1)",
        "\"password\": \"^(?=.*[A-Z])(?=.*[0-9])[A-Za-z0-9!@#]{8,}$\"",
        "secret: \"{{ .Values.V1 }}:#{x2}\"",
    ] {
        check(&[("", text, text)]);
    }
}

#[test]
fn letters_with_hardly_a_digit() {
    for text in ["api_key: §", "{\"clientSecret\": \"§\"}", "API_KEY=§", "token: \"§\""] {
        check(&[("", &text.replace('§', "GjRkTqWnLpXvBzMc2Yta"), &text.replace('§', K))]);
        let words = text.replace('§', "myServiceTokenProviderName");
        check(&[("", &words, &words)]);
    }
}

#[test]
fn uuids_that_are_tokens() {
    const U: &str = "215daef0-779d-4637-a6c1-8818f5ed182d";
    for text in
        ["api_token: §", "apiToken: '§'", "nomad_token = \"§\"", "secret: §", "license_key: §"]
    {
        check(&[("", &text.replace('§', U), &text.replace('§', K))]);
    }
    for text in
        ["token: §", "ClientToken: §", "next_token: §", "RequestToken: \"§\"", "token_id: §"]
    {
        let text = text.replace('§', U);
        check(&[("", &text, &text)]);
    }
}

#[test]
fn keys_that_sentences_and_cells_tell() {
    const H: &str = "7f3e9d1c5b8a2f6e4d0c9b7a1e3f5d2d";
    for text in ["API key: §", "| API key | § |", "The API key is `§`.", "routing key: §"] {
        check(&[("", &text.replace('§', H), &text.replace('§', K))]);
    }
    for text in ["commit: §", "the key is in commit §", "primary key: § is a hash"] {
        let text = text.replace('§', H);
        check(&[("", &text, &text)]);
    }
}

#[test]
fn actions_dates_and_rows_of_facts_are_no_names() {
    for text in [
        "aws iam simulate-principal-policy --action-names s3:PutObject sts:AssumeRole",
        "aws eks create-addon --addon-name vpc-cni",
        "$ aws ec2 describe-instances --output text\nINSTANCES\t0\tx86_64\txen\tt3.micro\tebs\n",
    ] {
        check(&[("", text, text)]);
    }
    check(&[(
        "",
        "$ aws s3api list-buckets --output text\nBUCKETS\t2024-02-01T09:00:00+00:00\tacme-raw-eu\n",
        "$ aws s3api list-buckets --output text\nBUCKETS\t2024-02-01T09:00:00+00:00\t[S3_BUCKET]\n",
    )]);
}
