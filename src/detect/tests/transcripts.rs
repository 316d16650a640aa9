//! Commands and what they printed in one text.

use super::{check, shown};

const P: &str = "[DB_PASSWORD]";

#[test]
fn below_a_prompt_stands_what_the_command_printed() {
    check(&[
        (
            "",
            "$ printenv DB_PASSWORD\ncorrecthorse\n$ date\nMonday",
            &format!("$ printenv DB_PASSWORD\n{P}\n$ date\nMonday"),
        ),
        (
            "",
            "It fails:\n```\nubuntu@ip:~/app$ printenv DB_PASSWORD\ncorrecthorse\n```\nWhy?",
            &format!("It fails:\n```\nubuntu@ip:~/app$ printenv DB_PASSWORD\n{P}\n```\nWhy?"),
        ),
        (
            "",
            "❯ aws dynamodb list-tables \\\n    --query TableNames --output text\nInvoices\tPayLedger\n\nand Invoices",
            "❯ aws dynamodb list-tables \\\n    --query TableNames --output text\n[DYNAMODB]\t[DYNAMODB]\n\nand Invoices",
        ),
        (
            "",
            "jane@mac app % vault kv get -field=password secret/app\ncorrecthorse",
            &format!("jane@mac app % vault kv get -field=password secret/app\n{P}"),
        ),
        (
            "",
            "root@db:~# printenv DB_PASSWORD\ncorrecthorse\n",
            &format!("root@db:~# printenv DB_PASSWORD\n{P}\n"),
        ),
        (
            "",
            "PS C:\\x> printenv DB_PASSWORD\ncorrecthorse\n(v) PS /x> printenv DB_PASSWORD\ncorrecthorse\n",
            &format!("PS C:\\x> printenv DB_PASSWORD\n{P}\n(v) PS /x> printenv DB_PASSWORD\n{P}\n"),
        ),
        (
            "",
            "$ aws secretsmanager get-secret-value --secret-id app --query SecretString --output text\nCERT=-----BEGIN X-----\nabcd\n-----END X-----\nstripe=abcd1234efgh\nhost=db\n",
            "$ aws secretsmanager get-secret-value --secret-id [SECRET] --query SecretString --output text\nCERT=-----BEGIN X-----\nabcd\n-----END X-----\nstripe=[DB_PASSWORD]\nhost=db\n",
        ),
        ("", "> printenv DB_PASSWORD\ncorrecthorse\n", "> printenv DB_PASSWORD\ncorrecthorse\n"),
        // A folder may hold what ends a prompt of PowerShell.
        (
            "",
            "jane@h /x> $ printenv DB_PASSWORD\ncorrecthorse\n",
            &format!("jane@h /x> $ printenv DB_PASSWORD\n{P}\n"),
        ),
        (
            "",
            "(x> y) $ printenv DB_PASSWORD\ncorrecthorse\n",
            &format!("(x> y) $ printenv DB_PASSWORD\n{P}\n"),
        ),
        (
            "",
            "[root@db ~]# printenv DB_PASSWORD\ncorrecthorse\n",
            &format!("[root@db ~]# printenv DB_PASSWORD\n{P}\n"),
        ),
        (
            "",
            "<bash-input>printenv DB_PASSWORD</bash-input>\n<bash-stdout>correcthorse</bash-stdout><bash-stderr></bash-stderr>",
            &format!(
                "<bash-input>printenv DB_PASSWORD</bash-input>\n<bash-stdout>{P}</bash-stdout><bash-stderr></bash-stderr>"
            ),
        ),
    ]);
}

/// However much an answer holds, and wherever it ends.
#[test]
fn long_answers_are_read_whole() {
    for len in [100, 4095, 8191, 16_380] {
        let text =
            format!("$ echo \"pw: $DB_PASSWORD\"\n{}\npw: x{}", "ü".repeat(len), "ü9".repeat(60));
        let masked = shown(&text, "");
        assert!(masked.ends_with(&format!("pw: {P}")), "{len}");
    }
    let lines = "$ \\\n".repeat(3000) + &"\n".repeat(3000);
    assert_eq!(shown(&lines, ""), lines);
}

#[test]
fn what_is_no_answer_stays() {
    for text in [
        "$ printenv DB_PASSWORD\n\ncorrecthorse",
        "Costs $ printenv DB_PASSWORD\ncorrecthorse",
        "$ printenv DB_HOST\ncorrecthorse",
        "$ printenv DB_PASSWORD",
        "# printenv DB_PASSWORD\ncorrecthorse",
        "$ gh auth token\nThis prints your token to stdout\n",
        "$ printenv DB_PASSWORD\n",
        "$ printenv DB_PASSWORD > x\nls: cannot access x",
        "echo '$ '\nprintenv DB_PASSWORD\ncorrecthorse",
    ] {
        assert_eq!(shown(text, ""), text);
    }
}
