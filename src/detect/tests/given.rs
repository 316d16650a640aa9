//! Secrets that calls, elements of HTML and settings of servers hold without `=` or `:`.

use super::{check, shown};

const CHOSEN: &str = "Copper92!da5";
const RANDOM: &str = "q9Zt7LmPx2Rk4VwBn8Yc";

/// `PW` and `KEY` stand for a password and for what chance made.
fn each(texts: &[&str]) {
    for text in texts {
        let plain = text.replace("PW", CHOSEN).replace("KEY", RANDOM);
        let masked = text.replace("PW", "[DB_PASSWORD]").replace("KEY", "[API_KEY]");
        check(&[("", &plain, &masked)]);
    }
}

#[test]
fn arguments_of_calls() {
    each(&[
        "new SecretKeySpec(\"KEY\".getBytes(), \"HmacSHA256\")",
        "Algorithm.HMAC256(\"KEY\") Keys.hmacShaKeyFor(\"PW\".getBytes())",
        "jwt.sign({ id: user.id }, 'KEY', { expiresIn: '1h' }); jwt.verify(t, \\\"PW\\\")",
        "crypto.createHmac('sha256', 'KEY').update(b)",
        "hmac.new(b\"KEY\", msg, hashlib.sha256)\nmac := hmac.New(sha256.New, []byte(\"PW\"))",
        "$t = JWT::encode($p, 'KEY', 'HS256'); $s = hash_hmac('sha256', $b, 'PW');",
        "EncodingKey::from_secret(\"KEY\".as_ref()) x.simple_bind_s(\"cn=a\", \"PW\")",
        "char[] k = \"PW\".toCharArray(); load(in, \"PW\".toCharArray())",
        "ENV['DB_PASSWORD'] ||= 'PW'",
        "props.put(PASSWORD, \"PW\"); new UsernamePasswordAuthenticationToken(\"admin\", \"PW\")",
        "os.environ.setdefault(\"SIGNING\", \"KEY\")",
        "INSERT INTO users (name, password) VALUES ('svc', 'PW'), ('b', 'PW');",
        "  - run: echo \"PW\" | gh secret set DB",
        "use user svc_app with pass PW please; pw: PW; done",
    ]);
    for text in [
        "createHash('sha256').update('hello world 1').digest('hex')",
        "jwt.verify(token, key, { algorithms: ['RS256'], issuer: 'https://acme1.example' })",
        "request.get('/x').auth('user1', 'pass1234') auth('admin', { role: 'Admin2' })",
        "\"0123456789ABCDEF\".toCharArray() \"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789\".toCharArray()",
    ] {
        assert_eq!(shown(text, ""), text);
    }
}

#[test]
fn elements_of_html() {
    each(&[
        "<tr><td>Password</td><td>PW</td></tr>\n<tr><th>API key</th><td><code>KEY</code></td></tr>",
        "<dl><dt>Username</dt><dd>svc</dd><dt>Password</dt><dd>PW</dd></dl>",
        "<p><b>Password:</b> PW</p><li>Password: <code>PW</code></li>",
        "<td>Temporary password</td>\\n    <td class=\\\"v\\\">PW</td>",
    ]);
    for text in [
        "<td>Password</td><td>Required, at least 12 characters</td>",
        "<td>password</td><td>base64</td> Password: <your-password> x1",
    ] {
        assert_eq!(shown(text, ""), text);
    }
}

#[test]
fn settings_of_servers() {
    each(&[
        "binddn cn=svc,dc=acme\nbindpw PW\nrootpw \"PW\"\n",
        "  auth_type PASS\n  auth_pass PW\n  http_passwd PW\n",
        "  stats auth admin:PW\n  stats auth ops:\"PW\"\n  user dev insecure-password PW\n",
        "X-Partner-Auth: KEY\nExternal ID: KEY\n",
        "Log in with admin / PW on the box.",
    ]);
    check(&[(
        "",
        "| user | authentication_string |\n| app | *94BDCEBE19083CE2A1F959FD02F964C7AF4CFC29 |",
        "| user | authentication_string |\n| app | *[DB_PASSWORD] |",
    )]);
    for text in ["auth_pass_mode 1\nrootpw --iscrypted\nbindpw is secret", "X-Request-Auth: none"] {
        assert_eq!(shown(text, ""), text);
    }
}

#[test]
fn secrets_without_words() {
    // People are asked for such signs, too.
    check(&[
        ("", "A=1\nAPI_KEY=CTYidhce%A*yAe(@\nB=2", "A=1\nAPI_KEY=[API_KEY]\nB=2"),
        ("", "secret: 'Falke22?abj'", "secret: '[API_KEY]'"),
        ("", "\"clientSecret\": \"jCTIms%W#Mwc@qlS\"", "\"clientSecret\": \"[API_KEY]\""),
        ("", "Authorization: Bearer kX9!mQ2#vLp7@wRt", "Authorization: Bearer [API_KEY]"),
    ]);
    for text in [
        "Authorization: Bearer $(cat /tmp/Token1.txt)",
        "const BARE_KEY = /[A-Za-z0-9_-]+/;",
        "open(A=1, API_KEY=CTYidhce%A*yAe@, B)",
        "secret: 'svc@Acme1.example'",
        "secret: 'Words&More=Than'",
    ] {
        assert_eq!(shown(text, ""), text);
    }
}
