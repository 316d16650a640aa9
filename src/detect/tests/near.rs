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
