//! Passwords that programs are given without a name.

use super::check;

#[test]
fn short_options_that_hold_passwords() {
    const P: &str = "[DB_PASSWORD]";
    check(&[
        ("", "mysql -uroot -pZx81LpVw! shop", &format!("mysql -uroot -{P} shop")),
        ("", "mysqldump -h db -p'Zx81LpVw' shop", &format!("mysqldump -h db -p'{P}' shop")),
        ("", "sshpass -p Zx81LpVw ssh host", &format!("sshpass -p {P} ssh host")),
        ("", "redis-cli -h cache -a Zx81LpVw ping", &format!("redis-cli -h cache -a {P} ping")),
        (
            "",
            r#"{\"command\":\"docker login -u x -p Zx81LpVw r.io\"}"#,
            &format!(r#"{{\"command\":\"docker login -u x -p {P} r.io\"}}"#),
        ),
        ("", "ldapsearch -x -w \"Zx81LpVw\" -b x", &format!("ldapsearch -x -w \"{P}\" -b x")),
        ("", "gh secret set DB --body Zx81LpVw", &format!("gh secret set DB --body {P}")),
        (
            "",
            "gh secret set DB -b \"Zx81LpVw\" -R a/b",
            &format!("gh secret set DB -b \"{P}\" -R a/b"),
        ),
        ("", "gh secret set DB -bZx81LpVw", &format!("gh secret set DB -{P}")),
        (
            "",
            "port 6379\nrequirepass Zx81LpVw\nmasterauth \"Zx81LpVw\"",
            &format!("port 6379\nrequirepass {P}\nmasterauth \"{P}\""),
        ),
        ("", "1) \"requirepass\"\n2) \"Zx81LpVw\"", &format!("1) \"requirepass\"\n2) \"{P}\"")),
        ("", "chamber write app pw Zx81LpVw", &format!("chamber write app pw {P}")),
        (
            "",
            "pulumi config set --secret pw Zx81LpVw",
            &format!("pulumi config set --secret pw {P}"),
        ),
        (
            "",
            "pulumi config set pw Zx81LpVw --secret",
            &format!("pulumi config set pw {P} --secret"),
        ),
        (
            "",
            "a; echo -n 'Zx81LpVw' | gh secret set DB",
            &format!("a; echo -n '{P}' | gh secret set DB"),
        ),
        (
            "",
            "printf '%s' Zx81LpVw | docker login -u x",
            &format!("printf '%s' {P} | docker login -u x"),
        ),
        ("", "htpasswd -b users jane Zx81LpVw", &format!("htpasswd -b users jane {P}")),
        ("", "openssl enc -k Zx81LpVw -in f", &format!("openssl enc -k {P} -in f")),
        ("", "openssl rsa -passin pass:Zx81LpVw", &format!("openssl rsa -passin pass:{P}")),
        ("", "zip -P Zx81LpVw a.zip a", &format!("zip -P {P} a.zip a")),
        ("", "echo Zx81LpVw | sudo -S ls", &format!("echo {P} | sudo -S ls")),
        ("", "echo max_map=262144 | sudo -S sysctl", "echo max_map=262144 | sudo -S sysctl"),
        ("", "  111  echo 'Zx81LpVw' | sudo -S ls", &format!("  111  echo '{P}' | sudo -S ls")),
        ("", "htpasswd users jane", "htpasswd users jane"),
        ("", "openssl req -newkey rsa:2048", "openssl req -newkey rsa:2048"),
        ("", "chamber write <service> <key> <value1>", "chamber write <service> <key> <value1>"),
        ("", "chamber write app pw value", "chamber write app pw value"),
        ("", "pulumi config set size t3.large2", "pulumi config set size t3.large2"),
        ("", "echo $TOKEN1 | gh secret set DB", "echo $TOKEN1 | gh secret set DB"),
        ("", "echo 2 words | gh secret set DB", "echo 2 words | gh secret set DB"),
        ("", "echo Zx81LpVw words | gh secret set DB", "echo Zx81LpVw words | gh secret set DB"),
        ("", "cat db9.txt | gh secret set DB", "cat db9.txt | gh secret set DB"),
        ("", "mysql -u root -p shop", "mysql -u root -p shop"),
        ("", "mysql -u root -p\necho hunter2", "mysql -u root -p\necho hunter2"),
        ("", "redis-cli -a $REDIS_PASSWORD ping", "redis-cli -a $REDIS_PASSWORD ping"),
        ("", "docker run -p 8080:8080 x", "docker run -p 8080:8080 x"),
        ("", "mysql -p<password> x", "mysql -p<password> x"),
    ]);
}
