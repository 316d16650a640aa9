//! Secrets that look so, near a word that announces one.

use super::{check, shown};

const P: &str = "[DB_PASSWORD]";
const K: &str = "[API_KEY]";
/// Nothing but a secret looks like this.
const V: &str = "Kq8wLz3Xt1Vn2mRy7P";

#[test]
fn what_people_write_about_passwords() {
    for text in [
        "the password is now §, please",
        "password for the staging admin is §",
        "Password (rotated 02/2026): §",
        "**Password**: `§`",
        "user anna password § on first start",
        "creds: anna:§",
        "credentials: anna / §",
        "Passwort lautet §",
        "contraseña: §",
        "mot de passe : §",
        "PW: §",
        "pwd = \"§\"",
        "Server=h;User ID=crm;Pwd=§;",
        "Please use the following password to proceed:\n\n§\n\nThis may also be found at",
        "1.2.3.4 : PSK \"§\"",
    ] {
        let text_with = |value| text.replace('§', value);
        check(&[("", &text_with(V), &text_with(P))]);
    }
    for text in ["the API key § expired", "**Token** → `§`", "Invalid API key provided: §"] {
        assert_eq!(shown(&text.replace('§', V), ""), text.replace('§', K), "{text}");
    }
}

#[test]
fn what_programs_are_given() {
    for text in [
        "props.put(\"password\", \"§\");",
        "let password = String::from(\"§\");",
        "Password: aws.String(\"§\"),",
        "ENV.fetch('DB_PASSWORD') { '§' }",
        "env.str('DB_PASSWORD', default='§')",
        "mysqli_connect(\"localhost\", \"shop\", \"§\", \"x\")",
        "new PDO('mysql:host=db', 'shop', '§')",
        "auth=('anna', '§')",
        "req.SetBasicAuth(\"anna\", \"§\")",
        "smtp.login('anna', '§')",
        "ConvertTo-SecureString '§' -AsPlainText",
        "{\"name\":\"DB_PASSWORD\",\"type\":\"PLAINTEXT\",\"value\":\"§\"}",
        "{\"DBPassword\":{\"Type\":\"String\",\"NoEcho\":true,\"Default\":\"§\"}}",
        "\"password\": \"{§\"",
        "dsn = \"app:§@tcp(db:3306)/x\"",
        "10.0.0.1:6379> AUTH §",
        "variables:\n  DEPLOY_PASS:\n    value: \"§\"\n",
    ] {
        let text_with = |value| text.replace('§', value);
        let shown = shown(&text_with(V), "");
        assert!(!shown.contains(V), "{shown}");
        assert!(super::found_again(&text_with(V), "").is_empty(), "{text}");
    }
    for text in ["map[X-Api-Key:[§]]", "https://x/cb?code=§&state=1", "https://x/?sig=§"] {
        assert_eq!(shown(&text.replace('§', V), ""), text.replace('§', K), "{text}");
    }
}

/// Names of things, variables, digests, and what stands beside other words.
#[test]
fn what_only_looks_similar_stays() {
    for text in [
        "password is checked by OAuth2TokenProvider with Sha512Hmac256Aes128",
        "token Base64ToUtf8Decoder2 password utf8ToBase64",
        "github.com/a/password v0.2.0 h1:BTDl4CC/gjf/axHMaDQtw507ogrXLci6XRiLc7i/UHI=",
        "\"token\": null, \"requestId\": \"Kx9Zb3Qw7Lm2\"",
        "password: ${Db2Pass3Word4Key} token {{ Kx9Zb3Qw7Lm2 }} secret <Kx9Zb3Qw7Lm2>",
        "the password sha512-PTJiT5xKq2Lm9",
        "tokenKx9Zb3Qw7Lm2 passwordKx9Zb3Qw7Lm2",
        "PWD=/home/anna/Kx9Zb3Qw7Lm2",
        "pwd: /srv/app2",
        "password\nKx9Zb3Qw7Lm2",
    ] {
        assert_eq!(shown(text, ""), text);
    }
}

#[test]
fn hashes_of_passwords_and_keys_behind_prefixes() {
    check(&[
        (
            "",
            "root:$6$ab12$cdEF12./xVmRn4Py:19000:0:99999:7:::",
            &format!("root:{P}:19000:0:99999:7:::"),
        ),
        (
            "",
            "- -----BEGIN RSA PRIVATE KEY-----\n- MIIEowIBAAKCAQEAx7wLq2Zt9xVm\n- Rn4PyBb==\n- -----END RSA PRIVATE KEY-----\n",
            "- [PRIVATE_KEY]\n",
        ),
        // The lines of one key behind different prefixes.
        (
            "",
            "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEAx7wLq2Zt9xVmMIIEowIBAAKCAQEAx7wLq2Zt9xVmMIIEowIB\n- Rn4PyBbHsDfGjUaEkQ==\n> -----END RSA PRIVATE KEY-----\n",
            "[PRIVATE_KEY]\n",
        ),
    ]);
}

/// Words are read once each, and no further than a line.
#[test]
fn placeholders_are_no_secrets() {
    let text = "the password AWS_DB_PASSWORD_BF3K9Q2MX4TB or SECRET_API_KEY_BF3K9Q2MX4TB";
    assert_eq!(shown(text, ""), text);
}

/// What people choose, with a sign or a year.
#[test]
fn what_people_choose_and_write() {
    for text in [
        "fn.addEnvironment('DB_PASSWORD', '§');",
        "conf.set(\"db_password\", \"§\")",
        "INSERT INTO s (name, value) VALUES ('smtp_password', '§'), ('x', 'y');",
        "requests.get(u, auth=(\"anna\", \"§\"))",
        "req.SetBasicAuth(\"anna\", \"§\")",
        "new UsernamePasswordCredentials(\"anna\", \"§\");",
        "t.Setenv(\"DB_PASSWORD\", \"§\")",
        "const password = process.env.DB_PASS || '§';",
        "the root password is Autumn-2024x, the other one is §",
        "the login is anna with password §.",
        "login: admin / §",
        "new creds for the db: user anna / § host x",
        "temp pass: §, change it",
        "temp pw is §",
        "pwd for jenkins is §",
        "the pw is §",
        "Login: admin / §",
        "the login is admin / §",
        "user anna and password §",
        "try the password § again",
        r#"set(\"password\", \"§\")"#,
        "Pass is § for both.",
        "the shared secret for radius is §",
        "the admin login is `admin` / `§`.",
        "PARTNER_AUTH: \"§\"",
        "LDAP_BIND=§",
        "ADMIN_PASSWORDS = {\"ops\": \"§\", \"x\": \"§\"}",
        "passwords: {prod: \"§\", dev: '§'}",
    ] {
        let with = |value| {
            text.replace('§', value)
                .replace("Autumn-2024x", if value == P { P } else { "Autumn-2024x" })
        };
        check(&[("", &with("Herbst-2025!"), &with(P))]);
    }
    for text in [
        "the data with password Base64-encoded is here",
        "addColumn('password', 'varchar(255)')",
        "t('password', 'Passwort-Hash')",
        "validate({password: 'required|min:8', name: 'x'})",
        "passwords: {minLength: 12, hash: 'sha512', policy: 'Strong-passwords'}",
        "PARTNER_AUTH: disabled-2",
        "login: true / v2.0.1-beta",
        "[\"password\", \"username\", \"Version-2\"]",
    ] {
        assert_eq!(shown(text, ""), text);
    }
}

#[test]
fn what_variables_hold_whose_names_say_nothing() {
    for text in [
        "KAFKA_SASL: §\n",
        "\"PARTNER\": \"§\",",
        "environment:\n  - JWT_SIGNING=§\n",
        "- name: SIGNING\n  value: §\n",
        "{\"name\": \"KAFKA_SASL\", \"value\": \"§\"}",
        "|  SIGNING  |  §  |",
        "FERNET_KEYS = ['§=', '§=']",
    ] {
        let text_with = |value| text.replace('§', value);
        let kept = text_with(K).replace(&format!("{K}="), K);
        check(&[("", &text_with(V), &kept)]);
    }
    let signed = |value| format!("Jwts.builder().signWith(HS256, \"{value}\");");
    check(&[("", &signed(V), &signed(P))]);
    for name in ["PUBLIC_SIGNING", "CLIENT_ID", "COMMIT", "INTEGRITY", "partner", "Partner"] {
        let text = format!("{name}: {V}");
        assert_eq!(shown(&text, ""), text);
    }
}
