//! Secrets that nothing but their look and a word near them tell, in text and in what tools printed:
//! what the provider receives.

use masker::body::select::Format;
use serde_json::json;

use crate::printed::masked;

const SECRET: &str = "Kq8wLz3Xt1Vn2mRy7P";
const ACCOUNT: &str = "481726350914";

#[test]
fn nothing_goes_out_near_a_word() {
    for text in [
        format!("the password {SECRET} does not work"),
        format!("props.put(\"password\", \"{SECRET}\");"),
        format!("dsn := \"app:{SECRET}@tcp(db:3306)/x\""),
        format!("X-Api-Key:[{SECRET}]"),
        format!("tokens:\n  - {SECRET}\n"),
        format!("prod: {ACCOUNT}"),
        format!("Deploying to {ACCOUNT} in eu-west-1"),
    ] {
        let body = json!({"messages": [
            {"role": "user", "content": text},
            {"role": "assistant", "content": [
                {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": text}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": text}]}]});
        let sent = masked(Format::Messages, &body).to_string();
        assert!(!sent.contains(SECRET) && !sent.contains(ACCOUNT), "{sent}");
        assert!(sent.contains("SECRET_") || sent.contains("AWS_ACCOUNT_"), "{sent}");
    }
}
