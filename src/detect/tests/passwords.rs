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
