//! Names in programs, and settings that are secrets whatever they open.

use super::check;

#[test]
fn arguments_of_calls() {
    let sign = "import boto3\n";
    let of = |text: &str, want: &str| (format!("{sign}{text}"), format!("{sign}{want}"));
    let cases = [
        of("ddb.Table('orders-2')", "ddb.Table('[DYNAMODB]')"),
        of("s3.Bucket(\"acme-raw\")", "s3.Bucket(\"[S3_BUCKET]\")"),
        of("eks.describe_cluster(name='core-2')", "eks.describe_cluster(name='[EKS_CLUSTER]')"),
        of(
            "ecs.run_task(cluster='core-2', count=1)",
            "ecs.run_task(cluster='[ECS_CLUSTER]', count=1)",
        ),
        of("ssm.get_parameter(Name='/acme/x')", "ssm.get_parameter(Name='/[SSM_PARAM]')"),
        of("b().tableName( \"orders-2\" )", "b().tableName( \"[DYNAMODB]\" )"),
        of(".bucket(\\\"acme-raw\\\")", ".bucket(\\\"[S3_BUCKET]\\\")"),
        of("TableName: aws.String(\"orders-2\")", "TableName: aws.String(\"[DYNAMODB]\")"),
        of("bucket: Some(\"acme-raw\")", "bucket: Some(\"[S3_BUCKET]\")"),
        of("s3.Bucket(name)", "s3.Bucket(name)"),
        of("s3.Bucket(f'{env}-raw')", "s3.Bucket(f'{env}-raw')"),
        of("function_name(event, 'x-1')", "function_name(event, 'x-1')"),
        of("db.Table('user_tags', meta)", "db.Table('user_tags', meta)"),
        of("node.get_parameter('max_vel_x')", "node.get_parameter('max_vel_x')"),
    ];
    let cases: Vec<_> =
        cases.iter().map(|(text, want)| ("", text.as_str(), want.as_str())).collect();
    check(&cases);
    // Other libraries have tables and buckets.
    check(&[
        ("", "db.Table('user-tags')", "db.Table('user-tags')"),
        ("", "client.bucket(\"acme-raw\")", "client.bucket(\"acme-raw\")"),
    ]);
}

#[test]
fn imports_by_name() {
    check(&[
        (
            "",
            "s3.Bucket.fromBucketName(this, 'Raw', 'acme-raw')",
            "s3.Bucket.fromBucketName(this, 'Raw', '[S3_BUCKET]')",
        ),
        (
            "",
            "Role.from_role_name(self, \"Deploy\", \"acme-deploy\")",
            "Role.from_role_name(self, \"Deploy\", \"[IAM_ROLE]\")",
        ),
        (
            "",
            "import 'aws-cdk-lib';\nStringParameter.valueFromLookup(this, '/acme/x')",
            "import 'aws-cdk-lib';\nStringParameter.valueFromLookup(this, '/[SSM_PARAM]')",
        ),
        ("", "fromBucketName(this, 'Raw', name)", "fromBucketName(this, 'Raw', name)"),
        ("", "fromBucketName(list, 'Raw', 'acme-raw')", "fromBucketName(list, 'Raw', 'acme-raw')"),
    ]);
}

#[test]
fn variables_that_name_something() {
    check(&[
        ("", "S3_BUCKET=acme-raw\nX=1", "S3_BUCKET=[S3_BUCKET]\nX=1"),
        ("", "UPLOAD_S3_BUCKET: \"acme-raw\"", "UPLOAD_S3_BUCKET: \"[S3_BUCKET]\""),
        ("", "ECS_CLUSTER=core-2\n", "ECS_CLUSTER=[ECS_CLUSTER]\n"),
        (
            "",
            "AWS_REGION=eu-west-1\nORDERS_TABLE=orders-2\nJOBS_QUEUE_NAME='jobs-2'\n",
            "AWS_REGION=eu-west-1\nORDERS_TABLE=[DYNAMODB]\nJOBS_QUEUE_NAME='[SQS]'\n",
        ),
        (
            "",
            "boto3 os.environ.get('ORDERS_TABLE', 'orders-2')",
            "boto3 os.environ.get('ORDERS_TABLE', '[DYNAMODB]')",
        ),
        (
            "",
            "aws-sdk process.env.ORDERS_TABLE || 'orders-2'",
            "aws-sdk process.env.ORDERS_TABLE || '[DYNAMODB]'",
        ),
        ("", "DYNAMODB_TABLE: table\n", "DYNAMODB_TABLE: table\n"),
        ("", "ORDERS_TABLE=orders-2\n", "ORDERS_TABLE=orders-2\n"),
        ("", "AWS_REGION=x\nQUEUE: in-progress\n", "AWS_REGION=x\nQUEUE: in-progress\n"),
        ("", "AWS_REGION=x\nCLUSTER=UP\n", "AWS_REGION=x\nCLUSTER=UP\n"),
        ("", "AWS_REGION=x\nKAFKA_TOPIC=jobs-1\n", "AWS_REGION=x\nKAFKA_TOPIC=jobs-1\n"),
        ("", "boto3 OUT_STREAM = 'text/event-2'", "boto3 OUT_STREAM = 'text/event-2'"),
        ("", "boto3 ('STOP_CLUSTER', 'wait-2')", "boto3 ('STOP_CLUSTER', 'wait-2')"),
        ("", "boto3\nLEDGER_TABLE='AcmeLedger'", "boto3\nLEDGER_TABLE='[DYNAMODB]'"),
        ("", "bucket_name = \"acme-raw\"", "bucket_name = \"[S3_BUCKET]\""),
        ("", "raw_bucket_name: acme-raw\n", "raw_bucket_name: [S3_BUCKET]\n"),
        ("", "bucket_name = \"my-bucket\"", "bucket_name = \"my-bucket\""),
        ("", "bucket_name = \"reports\"", "bucket_name = \"reports\""),
        ("", "boto3\nLOOKUP_TABLE = [1, 2]\n", "boto3\nLOOKUP_TABLE = [1, 2]\n"),
        ("", "S3_BUCKET=$NAME\n", "S3_BUCKET=$NAME\n"),
    ]);
}

#[test]
fn settings_that_are_secrets() {
    let secret = "gT7pQ2vX9mK4pL8sW3aaBB";
    let of = |text: &str, want: &str| (text.replace("SECRET!", secret), want.to_owned());
    let cases = [
        of("STRIPE_KEY=SECRET!", "STRIPE_KEY=[API_KEY]"),
        of("STRIPE_KEY=SECRET! npm start", "STRIPE_KEY=[API_KEY] npm start"),
        of("export GITHUB_PAT='SECRET!'", "export GITHUB_PAT='[API_KEY]'"),
        of("\"MASTER_KEY\": \"SECRET!\"", "\"MASTER_KEY\": \"[API_KEY]\""),
        of("APP_KEY=base64:SECRET!==", "APP_KEY=[API_KEY]"),
        of("    token: SECRET!", "    token: [API_KEY]"),
        of("stripeKey: 'SECRET!'", "stripeKey: '[API_KEY]'"),
        of("ADMIN_PW=hunter22", "ADMIN_PW=[DB_PASSWORD]"),
        of("SESSION_SECRET=keyboardcat9", "SESSION_SECRET=[DB_PASSWORD]"),
        of("DB_CREDS=app:hunter22", "DB_CREDS=[DB_PASSWORD]"),
        of("DB_CREDENTIAL=SECRET!", "DB_CREDENTIAL=[API_KEY]"),
        of("ansible_become_pass=hunter22", "ansible_become_pass=[DB_PASSWORD]"),
        of("bindpw hunter22\nbindpw: hunter22", "bindpw [DB_PASSWORD]\nbindpw: [DB_PASSWORD]"),
        of("nextToken: SECRET!", "nextToken: SECRET!"),
        of("PUBLIC_KEY=SECRET!", "PUBLIC_KEY=SECRET!"),
        of("key: SECRET!", "key: SECRET!"),
        of("afterToken: SECRET!", "afterToken: SECRET!"),
        of("MERGE_KEY=SECRET!", "MERGE_KEY=SECRET!"),
        of("COLOR_PASS=100000", "COLOR_PASS=100000"),
        of("PULSE_PW = 1500us2;", "PULSE_PW = 1500us2;"),
        of("BAG_SECRET: PKCS-12 bag", "BAG_SECRET: PKCS-12 bag"),
        of("APP_SECRET: app-db-v2", "APP_SECRET: app-db-v2"),
        of("DOCKER_AUTH=ecr:us-east-1", "DOCKER_AUTH=ecr:us-east-1"),
        of("IPV4_PASS: _bindgen_ty_3 = 1", "IPV4_PASS: _bindgen_ty_3 = 1"),
        of("STRIPE_KEY=config", "STRIPE_KEY=config"),
        of("COOKIE_HMAC=SECRET!", "COOKIE_HMAC=[API_KEY]"),
        of("SNYK_TOKEN=7c1f9e2a-4b8d-4f6e-9a3c-5d2e8b7f1a60", "SNYK_TOKEN=[API_KEY]"),
        of("client_secret: 7c1f9e2a-4b8d-4f6e-9a3c-5d2e8b7f1a60", "client_secret: [API_KEY]"),
        of(
            "clientToken: 7c1f9e2a-4b8d-4f6e-9a3c-5d2e8b7f1a60",
            "clientToken: 7c1f9e2a-4b8d-4f6e-9a3c-5d2e8b7f1a60",
        ),
        of("token: Identifier2", "token: Identifier2"),
        of("token: Sha512Hmac256Aes128;", "token: Sha512Hmac256Aes128;"),
        of("DB_CREDENTIALS=file:vault2", "DB_CREDENTIALS=file:vault2"),
        of("CREDENTIALS=/run/secrets/key1.json", "CREDENTIALS=/run/secrets/key1.json"),
    ];
    let cases: Vec<_> =
        cases.iter().map(|(text, want)| (text.as_str(), want.replace("SECRET!", secret))).collect();
    let cases: Vec<_> = cases.iter().map(|(text, want)| ("", *text, want.as_str())).collect();
    check(&cases);
    check(&[
        ("STRIPE_KEY", secret, "[API_KEY]"),
        ("nextToken", secret, secret),
        ("ADMIN_PW", "hunter22", "[DB_PASSWORD]"),
    ]);
}

#[test]
fn passwords_in_settings_code_and_templates() {
    check(&[
        ("", "pass: 'Tr4inWhistle88'", "pass: '[DB_PASSWORD]'"),
        ("", "PASS: test_login_1\npass: 'all12tests'", "PASS: test_login_1\npass: 'all12tests'"),
        ("", "The password is Tr4inWhistle8.", "The password is [DB_PASSWORD]."),
        ("", "Set DB_PASSWORD to `Tr4in!whistle8`", "Set DB_PASSWORD to `[DB_PASSWORD]`"),
        ("", "Passwort: Tr4inWhistle8", "Passwort: [DB_PASSWORD]"),
        ("", "the password is required, at least 8", "the password is required, at least 8"),
        ("", "\"x-api-key\":[\"q9Zt7LmPx2Rk4VwBn8YcH1sD\"]", "\"x-api-key\":[\"[API_KEY]\"]"),
        (
            "",
            "PresharedKey = /UwcSPg38hWD9Y3tcS1FOV0K1wuURMbS0sesJEP5ak=",
            "PresharedKey = [API_KEY]",
        ),
        ("", "DB_PASSWORD=Dw9&bYk4Jf\nPW=a", "DB_PASSWORD=[DB_PASSWORD]\nPW=a"),
        ("", "export DB_PASSWORD=Dw9;bYk4Jf", "export DB_PASSWORD=[DB_PASSWORD]"),
        ("", "password: Kv7,mTq2wLz9", "password: [DB_PASSWORD]"),
        ("", "password=Kv7mTq2wLz9;user=x", "password=[DB_PASSWORD];user=x"),
        ("", "password: getPass1(a,B2)", "password: getPass1(a,B2)"),
        ("", "const password: string = \"hunter22\"", "const password: string = \"[DB_PASSWORD]\""),
        ("", "let password: &str = \"hunter22\";", "let password: &str = \"[DB_PASSWORD]\";"),
        ("", "PASSWORD = b'hunter22'", "PASSWORD = b'[DB_PASSWORD]'"),
        ("", "**Password:** hunter22", "**Password:** [DB_PASSWORD]"),
        ("", "\"password\": \"$P4ssw0rd\"", "\"password\": \"[DB_PASSWORD]\""),
        ("", "password: $db2Password", "password: $db2Password"),
        (
            "",
            "variable \"db_password\" {\n  type = string\n  default = \"hunter22\"\n}\nx = \"a1b2c3\"",
            "variable \"db_password\" {\n  type = string\n  default = \"[DB_PASSWORD]\"\n}\nx = \"a1b2c3\"",
        ),
        (
            "",
            "  DBPassword:\n    Type: String\n    NoEcho: true\n    Default: hunter22\n  X:\n    Default: a1b2c3",
            "  DBPassword:\n    Type: String\n    NoEcho: true\n    Default: [DB_PASSWORD]\n  X:\n    Default: a1b2c3",
        ),
        (
            "",
            "  MinPassword:\n    Type: Number\n  X:\n    NoEcho: true\n    Default: a1b2c3",
            "  MinPassword:\n    Type: Number\n  X:\n    NoEcho: true\n    Default: a1b2c3",
        ),
        ("", "password: >-\n  hunter22\nx: y", "password: >-\n  [DB_PASSWORD]\nx: y"),
        ("", "user.setPassword(\"hunter22\")", "user.setPassword(\"[DB_PASSWORD]\")"),
        ("", "b.user(\"x\").password('hunter22')", "b.user(\"x\").password('[DB_PASSWORD]')"),
        ("", "check_password(\"hunter22\")", "check_password(\"hunter22\")"),
        ("", "setenv DB_PASSWORD hunter22", "setenv DB_PASSWORD [DB_PASSWORD]"),
        ("", "set -gx DB_PASSWORD hunter22", "set -gx DB_PASSWORD [DB_PASSWORD]"),
    ]);
}

#[test]
fn what_databases_keep_of_passwords() {
    check(&[
        (
            "",
            " id | password_hash | x\n----+---------------+---\n 1 | $2b$12$KIXab.defghijklmnopqrstuv | y\n",
            " id | password_hash | x\n----+---------------+---\n 1 | [DB_PASSWORD] | y\n",
        ),
        // The method alone.
        ("", "id,password_hash\n1,sha256\n", "id,password_hash\n1,sha256\n"),
    ]);
}
