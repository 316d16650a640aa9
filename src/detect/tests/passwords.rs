//! Passwords that hold variables, or what looks like one.

use super::check;

#[test]
fn a_password_that_holds_a_variable_is_masked_whole() {
    check(&[
        ("", "password=ab${cd}9!x and", "password=[DB_PASSWORD] and"),
        ("", "password='ab${cd}9!x'", "password='[DB_PASSWORD]'"),
        ("", "{\"password\": \"ab${cd}9!x\"}", "{\"password\": \"[DB_PASSWORD]\"}"),
        ("", "--password p4{{x}}Q9! run", "--password [DB_PASSWORD] run"),
        ("", "password=${a}-hunter2!", "password=[DB_PASSWORD]"),
        ("", "password: $P4ssw0rd!", "password: [DB_PASSWORD]"),
        ("", "password: \"<9!xyz\"", "password: \"[DB_PASSWORD]\""),
        ("", "password=%40bc9!", "password=[DB_PASSWORD]"),
        ("", "PGPASSWORD=${PGPASSWORD:-hunter2!}", "PGPASSWORD=[DB_PASSWORD]"),
        ("", "f(password=${x})9!", "f(password=${x})9!"),
        ("MasterUserPassword", "Tr0ub4${d}or", "[DB_PASSWORD]"),
        ("", "postgres://u:p4${x}Q@host/db", "postgres://u:[DB_PASSWORD]@host/db"),
        ("", "amqp://u:pre${x}post@host", "amqp://u:[DB_PASSWORD]@host"),
        ("", "amqp://:<9!xyz@host", "amqp://:<9!xyz@host"),
    ]);
}

/// What would be a variable in a program.
#[test]
fn settings_hold_no_variables() {
    const MASKED: &str = "[DB_PASSWORD]";
    check(&[
        ("", "A=1\nDB_PASSWORD=password1\nB=2", &format!("A=1\nDB_PASSWORD={MASKED}\nB=2")),
        (
            "",
            "docker run -e PGPASSWORD=rootpassword1 db",
            &format!("docker run -e PGPASSWORD={MASKED} db"),
        ),
        (
            "",
            "spring.datasource.password=password1",
            &format!("spring.datasource.password={MASKED}"),
        ),
        ("", "connect(password=password1)", "connect(password=password1)"),
        ("", "    password=password1,\n", "    password=password1,\n"),
        ("", "password = password1", "password = password1"),
    ]);
}

#[test]
fn what_is_a_variable_stays() {
    for text in [
        "password=${DB_PASSWORD} password=$PASS1 password: $env:DB_PASSWORD1",
        "password: ${{ secrets.DB_PASSWORD_1 }}",
        "password: {{ .Values.db1.password | quote }}",
        "password: '{{resolve:secretsmanager:app-1:SecretString:password}}'",
        "password: \"<password1>\" password=<your-password-1>",
        "password=$(cat /run/secrets/db-1)",
        "password: \"#{ENV['DB_PASSWORD_1']}\"",
        "password = \"%(password1)s\" password: \"%s:%d\"",
        "password=${DB_PASSWORD:-changeme} password=${env:DB_PASSWORD_1}",
        "password = `${user1}:${secret1}`",
        "postgres://${USER1:-app}:${PASSWORD1}@${HOST1}:5432/x",
        "postgres://$USER1:$PASSWORD1@$HOST1:5432/x",
    ] {
        assert_eq!(super::shown(text, ""), text);
    }
}

#[test]
fn what_a_secure_parameter_holds() {
    let shown = "{\"Parameter\": {\n    \"Name\": \"/app/pin\",\n    \"Type\": \"SecureString\",\n    \"Value\": \"Zx9!kd83jslA\"}}";
    let put = "aws ssm put-parameter --name /app/pin --value 'Zx9!kd83jslA' --type SecureString";
    let typed = "aws ssm put-parameter --type SecureString --value Zx9!kd83jslA --name /app/pin";
    let called = "put_parameter(Name='pin', Value='Zx9!kd83jslA', Type='SecureString')";
    let hcl = "type  = \"SecureString\"\n  value = \"Zx9!kd83jslA\"";
    for text in [shown, put, typed, called, hcl] {
        let masked = super::shown(text, "");
        assert!(!masked.contains("Zx9") && masked.contains("[DB_PASSWORD]"), "{masked}");
    }
    // Whatever stands between, and in the value.
    for text in [
        "aws ssm put-parameter --type SecureString --overwrite --name /app/pin --value 'Zx9!kd83jslA'",
        "aws ssm put-parameter --value 'Zx9}kd83{jslA' --description \"a (b\" --type SecureString",
        "put_parameter(Value='Zx9-value-9X!', Tags=[{'Key': 'a'}], Type='SecureString')",
        "type = \"SecureString\"\n  key_id = \"x\"\n  tier = \"Standard\"\n  value = \"Zx9!kd83jslA\"",
    ] {
        let masked = super::shown(text, "");
        assert!(!masked.contains("Zx9") && masked.contains("[DB_PASSWORD]"), "{masked}");
    }
    // One that is no secret before or behind one that is.
    let plain = "{\"Value\": \"blue-42!x\", \"Type\": \"String\"}";
    let secret = "{\"Value\": \"Zx9!kd83jslA\", \"Type\": \"SecureString\"}";
    let put = "aws ssm put-parameter --name a";
    for text in [
        format!("[{plain}, {secret}]"),
        format!("[{secret}, {plain}]"),
        "- Value: Zx9!kd83jslA\n  Type: SecureString\n- Value: blue-42!x\n  Type: String"
            .to_owned(),
        format!(
            "{put} --value Zx9!kd83jslA --type SecureString\n{put} --value blue-42!x --type String"
        ),
        format!(
            "{put} --type String --value blue-42!x\n{put} --type SecureString --value Zx9!kd83jslA"
        ),
    ] {
        let masked = super::shown(&text, "");
        assert!(masked.contains("blue-42!x") && !masked.contains("Zx9"), "{masked}");
    }
    for text in [
        "int value = 100000;\nSecureString pin = Read(100000);",
        "types: SecureStrings, value: 100000",
        "{\"Parameter\": {\"Type\": \"SecureString\"}, \"Value\": \"blue-42!x\"}",
        "type = \"SecureString\"\n  value = var.db_password_1",
        "--value \"$PASSWORD_1\" --type SecureString",
        "a SecureString has a value that KMS encrypts (see values-1.md)",
    ] {
        assert_eq!(super::shown(text, ""), text);
    }
}

#[test]
fn what_secrets_manager_holds() {
    check(&[
        ("SecretString", "Zx9!kd83jslA", "[DB_PASSWORD]"),
        (
            "",
            "{\"Name\": \"x\", \"SecretString\": \"Zx9!kd83jslA\"}",
            "{\"Name\": \"x\", \"SecretString\": \"[DB_PASSWORD]\"}",
        ),
        (
            "",
            "put-secret-value --secret-id x --secret-string 'Zx9!kd83jslA' --y",
            "put-secret-value --secret-id x --secret-string '[DB_PASSWORD]' --y",
        ),
        ("", "secret_string = \"Zx9!kd83jslA\"", "secret_string = \"[DB_PASSWORD]\""),
        (
            "SecretString",
            "{\"user\":\"app1\",\"password\":\"Zx9!kd83jslA\"}",
            "{\"user\":\"app1\",\"password\":\"[DB_PASSWORD]\"}",
        ),
    ]);
    for text in [
        "{{resolve:secretsmanager:app-1:SecretString:key_1}}",
        "SecretString: !Sub '${Password1}' secret_string = var.secret_1",
        "SecretString: string, SecretString=None",
    ] {
        assert_eq!(super::shown(text, ""), text);
    }
}

#[test]
fn code_types_and_rules_are_no_passwords() {
    for text in [
        "type Query { login(username: String!, password: String!): Token }",
        "mutation($password: String!, $newPassword: PasswordInput!) { x }",
        "password: process.env.DB_PASSWORD!,",
        "password: this.config.password!,",
        "let password = opts.password?;",
        "self.password = @password",
        "SELECT 1 FROM users WHERE password = @Password1 OR password = :password1",
        "password := *flag.Password!",
        "password = password1",
        "password: 'required|min:8'",
        "\"password\": \"required|string|min:8\"",
        "val password: String? = null; password: CharArray?",
        "password: !GetAtt Secret.Value",
    ] {
        assert_eq!(super::shown(text, ""), text);
    }
    check(&[
        ("", "password: Teal-Egret!9", "password: [DB_PASSWORD]"),
        ("", "password: Sunshine1!", "password: [DB_PASSWORD]"),
        ("", "password=@Sunsh1ne", "password=[DB_PASSWORD]"),
        ("", "password='Red|Kite!8'", "password='[DB_PASSWORD]'"),
        ("password", "required|min:8", "required|min:8"),
    ]);
}

/// The text with `§` around what must be masked; nothing else may be.
fn marked(texts: &[&str]) {
    let mut wrong = Vec::new();
    for text in texts {
        let plain = text.replace('§', "");
        let mut shown = String::new();
        let mut from = 0;
        for finding in super::scan(&super::DEFAULT, &plain, "") {
            shown += super::part(&plain, from..finding.span.start);
            shown += &format!("§{}§", super::part(&plain, finding.span.clone()));
            from = finding.span.end;
        }
        shown += super::part(&plain, from..plain.len());
        if shown != **text {
            wrong.push((shown, *text));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_name_and_its_value_are_fields_beside_each_other() {
    marked(&[
        r#"{"name":"AWS_SECRET_ACCESS_KEY","value":"§q9Zt/7LmPx2Rk4VwBn8YcH1sDfG6jUeA0oTiQ3Xy§"}"#,
        r#"{\"name\":\"DB_PASSWORD\",\n  \"value\":\"§Tr0ut.Ladder9§\"}"#,
        "- name: POSTGRES_PASSWORD\n  value: §Teal-Egret!9§\n- name: LOG_LEVEL\n  value: debug-1",
        "- name: AWS_SECRET_ACCESS_KEY\n  value: §q9Zt/7LmPx2Rk4VwBn8YcH1sDfG6jUeA0oTiQ3Xy§\n",
        "- name: LOG_LEVEL\n  value: debug-1\n- name: DB_PASSWORD_PROD\n  value: \"§Teal-Egret!9§\"",
        "- value: §Teal-Egret!9§\n  name: DB_PASSWORD\n- value: debug-1\n  name: LOG_LEVEL",
        "env {\n name = \"DB_PASSWORD\"\n value = \"§Tr0ut.Ladder9§\"\n}",
        r#"{"Key":"DB_PASSWORD","Value":"§Tr0ut.Ladder9§"}"#,
        r#"[{"Value":"§Tr0ut.Ladder9§","Key":"DB_PASSWORD"},{"Value":"blue-42!x","Key":"Color"}]"#,
        "ParameterKey=DbPassword,ParameterValue=§Tr0ut.Ladder9§ ParameterKey=Size,ParameterValue=t3.micro9",
        "- ParameterKey: DbPassword\n  ParameterValue: §Tr0ut-Ladder9§",
        r#"{"ParameterKey": "DbPassword", "ParameterValue": "§Tr0ut.Ladder9§"}"#,
        "<property><name>javax.jdo.option.ConnectionPassword</name><value>§Teal-Egret!9§</value></property>",
        "<name>fs.s3a.secret.key</name>\n  <value>§q9Zt/7LmPx2Rk4VwBn8YcH1sDfG6jUeA0oTiQ3Xy§</value>",
        r#"{"name":"DD_API_KEY","value":"§9f86d081884c7d659a2feaa0c55ad015§"}"#,
        r#"<add key="DbPassword" value="§Tr0ut.Ladder9§"/>"#,
    ]);
    for text in [
        r#"{"name":"DB_PASSWORD","valueFrom":"/app/db-1"},{"name":"X","value":"blue-42!x"}"#,
        r#"{"name":"DB_PASSWORD","value":"{{ .Values.db1 }}"}"#,
        "name = \"db_password\"\n value = aws_secretsmanager_secret.db1.name",
        "- name: PASSWORD_MIN_LENGTH\n  value: \"1234567\"",
        "- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef:\n      name: db-1\n      key: password-1",
        "{\"name\":\"password\",\"type\":\"string1\"} {\"value\":\"blue-42!x\"}",
        "value: blue-42!x, key: color1",
    ] {
        assert_eq!(super::shown(text, ""), text);
    }
}

#[test]
fn keys_that_name_a_password() {
    marked(&[
        "DB_PASS=§Teal-Egret!9§ \"DB_PASS\": \"§Teal-Egret!9§\" db_pass = \"§Teal-Egret!9§\"",
        "MAIL_PASS=§Teal-Egret!9§\nSMTP_PASS=§Teal-Egret!9§\ndbPass: '§Teal-Egret!9§'",
        "DB_PASSWORD_PROD=§Teal-Egret!9§ DBPASSWORD2=§Teal-Egret!9§ db_password_dev: §Teal-Egret!9§",
        "passphrase: §Teal-Egret!9§\nREDIS_AUTH=§Teal-Egret!9§",
        "REDIS_AUTH_TOKEN=§Ab3xK9pQ2mN7vR4tZ§ auth_token = \"§Teal-Egret!9-Heron§\"",
        "--auth-token '§Teal-Egret!9-Heron§' \"AuthToken\":\"§Ab3xK9pQ2mN7vR4tZ§\"",
        "\"ses_smtp_password_v4\": \"§BKq9Zt7LmPx2Rk4VwBn8YcH1sDfG6jUeA0oTiQ3XyAb1§\"",
        "<password>§Red.Kite88§</password> <pre_shared_key>§Ab3xK9pQ2mN7vR4tZ§</pre_shared_key>",
    ]);
    for text in [
        "PASS: test_login_1 (0.12s)\nTEST_PASS=test_login_1 pass = render1() first_pass: shader1",
        "bypass=rule-1 compass: north-42 encompass = \"a1b2c3d4\"",
        "PASSWORD_HASHERS=argon2 PASSWORD_RESET_TIMEOUT=259200 password_field = \"input1\"",
        "auth_token = req.headers.token1; authToken: string, auth_token: Option<String1>",
        "<Password>{props.value1}</Password> <password>",
        "requests.auth = HTTPBasicAuth1 basic_auth: true1234",
    ] {
        assert_eq!(super::shown(text, ""), text);
    }
    check(&[
        ("DB_PASS", "Teal-Egret!9", "[DB_PASSWORD]"),
        ("AuthToken", "Ab3xK9pQ2mN7vR4tZ", "[API_KEY]"),
        ("ClientSecret", "1abcq9zt7lmpx2rk4vwbn8ych1sdfg6jue0otiq3x", "[API_KEY]"),
        ("secretKeyRef", "Ab3xK9pQ2mN7vR4tZ", "Ab3xK9pQ2mN7vR4tZ"),
        ("apiKeyId", "Ab3xK9pQ2mN7vR4tZ", "Ab3xK9pQ2mN7vR4tZ"),
    ]);
}

#[test]
fn keys_that_announce_a_secret() {
    const HEX: &str = "§9f86d081884c7d659a2feaa0c55ad015§";
    for text in [
        "DATADOG_API_KEY=~",
        "DD_API_KEY: ~",
        "api_key = \"~\"",
        "JWT_SECRET=~",
        "CLIENT_SECRET=~",
        "export COGNITO_CLIENT_SECRET='~'",
        "client_secret: \"~\"",
        "\"ClientSecret\":\"~\"",
        "SECRET_KEY_BASE=~",
        "NEW_RELIC_LICENSE_KEY=~",
        "\"PreSharedKey\":\"~\"",
        "curl -H \"x-api-key: ~\" https://x",
        "--api-key ~ --y",
        "\"apiKey\" => \"~\"",
        "apiKey: '~',",
        "{\\\"client_secret\\\":\\\"~\\\"}",
    ] {
        marked(&[&text.replace('~', HEX)]);
    }
    for text in [
        "api_key = os.environ[\"DD_API_KEY_2\"] api_key=${DD_API_KEY_1}",
        "api_key: \"your-api-key-goes-here-123\" client_secret: \"{{ vault.client1secret2key3 }}\"",
        "secret: arn-of-my-secret-1 secret = \"s3cr3t/data/app1/config2\" secretName: db-creds-1a2b3c4d5e",
        "secret: Zeroizing::new(PayloadU8::new(ms.to_vec())) }",
        "cache_key: \"9f86d081884c7d659a2feaa0c55ad015\" key=9f86d081884c7d659a2feaa0c55ad015",
        "\"nextToken\": \"q9Zt7LmPx2Rk4VwBn8YcH1sD\" publicKey: \"q9Zt7LmPx2Rk4VwBn8YcH1sD\"",
        "\"auth\": \"x1\", \"database\": \"9f86d081884c7d659a2feaa0c55ad015\" value=q9Zt7LmPx2Rk4VwBn8YcH1sD",
        "let secret_key = SecretKey::from_slice(&k256v1a2b3c4d5e6f7g8); private_key: PrivateKey2048Rsa1",
    ] {
        assert_eq!(super::shown(text, ""), text);
    }
}

#[test]
fn passwords_in_a_fixed_syntax() {
    marked(&[
        "CREATE USER app PASSWORD '§Md5Salmon!44§';\nALTER USER admin WITH PASSWORD '§Teal-Egret!9§';",
        "CREATE USER 'a'@'%' IDENTIFIED BY '§Teal-Egret!9§'; identified by \\\"§Teal-Egret!9§\\\"",
        "CREATE USER a IDENTIFIED WITH mysql_native_password BY '§Teal-Egret!9§'",
        "SET PASSWORD FOR 'a'@'%' = PASSWORD('§Teal-Egret!9§')",
        "curl -u 'admin:§Sn0w-Petrel!1§' https://x\ncurl --user \"admin:§Sn0w-Petrel!1§\" -d x",
        "curl -s https://x \\\n  -u admin:§Sn0w-Petrel!1§ | jq . -u a:b1c2d3e4",
        "curl -sku admin:§Sn0w-Petrel!1§ https://x",
        "Authorization: Basic §YWRtaW46U24wdy1QZXRyZWwhMQ§==",
        "-H \"Authorization: Bearer §q9Zt7LmPx2Rk4VwBn8YcH1sD§\"",
        "FROM x\nENV PGPASSWORD §Teal-Egret!9§\nRUN y",
        "password: &pw §Teal-Egret!9§\nother: *pw",
        "Server=db,1433;User Id=sa;Password=§Red.Kite88§;Encrypt=True",
        "\"Data Source=x;Password=§Red.Kite88§\" jdbc:sqlserver://x;user=sa;password=§Red.Kite88§",
        "\u{1b}[34;1m\"password\"\u{1b}[0m\u{1b}[1;39m:\u{1b}[0m \u{1b}[0;32m\"§Teal-Egret!9§\"\u{1b}[0m",
        "User name,Password,Access key ID\nci-bot,§Teal-Egret!9§,x\nci-too,§Red.Kite88§,y\n\na,b-1234567,c",
        "User name,Password,Console login link\r\nci-bot,§Teal-Egret!9§,x\r\n",
        "{\"auth\":\"§QVdTOmV5SndZWGxzYjJGa0lqb2lrOUxtUHgyUms0Vnc=§\"}",
        "docker login -u AWS -p §eyJwYXlsb2FkIjoiZ2hJS0xNbk9wUXJTdFV2V3hZejAxMjM0NTY3ODkw§ x",
        "SENTRY_DSN=https://§9f86d081884c7d659a2feaa0c55ad015§@sentry.io/17",
    ]);
    for text in [
        "the password 'hunter-9x' is wrong; assert_eq!(password('user_1'), x)",
        "check('password', 'user-1') Password ('p1') by 'author-12'",
        "curl -u \"$USER:$PASS\" x; curl -u admin:password y; curl --user-agent 'a:b1c2d3e4' z",
        "curl https://x/y-u/a:b1c2d3e4 and -u is\na: b1c2d3e4",
        "Authorization: Basic realm1234 Authorization: Bearer <token>",
        "a bearer q9Zt7LmPx2Rk4VwBn8YcH1sD",
        "in ENV PASSWORD variable1 is read. set ENV PASSWORD\nvalue-123 x",
        "fn f(password: &mut Config1, password: &'a str, password: &dyn Store1) password: &str = x1",
        "t.password=e.value1;n=2;password=config.value9;b=2",
        "name,password,email\nuser,required,x",
        "password::hash1 <password>required field</password>",
    ] {
        assert_eq!(super::shown(text, ""), text);
    }
}

#[test]
fn columns_of_passwords() {
    const P: &str = "[DB_PASSWORD]";
    check(&[
        (
            "",
            " id | password \n----+----------\n  1 | Zx81LpVw9! \n(1 row)",
            &format!(" id | password \n----+----------\n  1 | {P} \n(1 row)"),
        ),
        (
            "",
            "+----+----------+\n| id | password |\n+----+----------+\n|  1 | Zx81LpVw9! |\n+----+----------+",
            &format!(
                "+----+----------+\n| id | password |\n+----+----------+\n|  1 | {P} |\n+----+----------+"
            ),
        ),
        ("", "user\tpassword\nmarta\tZx81LpVw9!\n", &format!("user\tpassword\nmarta\t{P}\n")),
        (
            "",
            "user,password\nmarta,Zx81LpVw9!\n\nx,y9!abcd",
            &format!("user,password\nmarta,{P}\n\nx,y9!abcd"),
        ),
        (
            "",
            "| user | db_password |\n|---|---|\n| marta | `Zx81LpVw9!` |",
            &format!("| user | db_password |\n|---|---|\n| marta | `{P}` |"),
        ),
        (
            "",
            "Key         Value\npassword    Zx81LpVw9!\n",
            &format!("Key         Value\npassword    {P}\n"),
        ),
        ("", "1) \"password\"\n2) \"Zx81LpVw9!\"\n", &format!("1) \"password\"\n2) \"{P}\"\n")),
        // Words and code.
        ("", "password\nZx81LpVw9!", "password\nZx81LpVw9!"),
        ("", "the password    is here2 or there", "the password    is here2 or there"),
        ("", "field,password,required\na,string,yes", "field,password,required\na,string,yes"),
    ]);
}

#[test]
fn what_is_to_be_filled_in_and_types_are_no_passwords() {
    for text in [
        "postgres://USER:PASSWORD@HOST/db",
        "amqp://[USER:PASSWORD@]HOST:6379",
        "https://[user[:pass]@]host/x",
        "https://x-access-token:GITHUB_TOKEN@github.com/x",
        "curl -u USER:API_KEY https://x",
        "pub const ERROR_INVALID_PASSWORD: WIN32_ERROR = 86u32;",
        "password: Sha256Hash;",
        "let password: Utf8String = y",
    ] {
        check(&[("", text, text)]);
    }
}

#[test]
fn a_plan_of_terraform_shows_both() {
    check(&[
        (
            "",
            "~ password = \"old9Aa!\" -> \"k9fQ2mZx8!\"",
            "~ password = \"[DB_PASSWORD]\" -> \"[DB_PASSWORD]\"",
        ),
        (
            "",
            "~ password = \"old9Aa!\" -> (known after apply)",
            "~ password = \"[DB_PASSWORD]\" -> (known after apply)",
        ),
    ]);
}
