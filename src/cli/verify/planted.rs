//! Values made for one run, and the requests that hold them.

use serde_json::Value;
use serde_json::json;

/// Of lower-case hexadecimal, base32 as in access keys, base64, digits and letters.
const HEX: &[u8] = b"0123456789abcdef";
const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const DIGITS: &[u8] = b"123456789";
const LETTERS: &[u8] = b"bcdfghjkmnpqrstvwxz";

/// One request.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) path: &'static str,
    pub(super) body: Value,
}

/// What was planted: kinds and values, no two runs alike.
#[derive(Clone)]
pub(super) struct Planted(Vec<(&'static str, String)>);

impl std::fmt::Debug for Planted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Planted({})", self.0.len())
    }
}

/// So many symbols of an alphabet.
fn random(alphabet: &[u8], length: usize) -> Result<String, getrandom::Error> {
    let mut bytes = vec![0_u8; length];
    getrandom::fill(&mut bytes)?;
    let symbol = |byte: u8| alphabet.get(usize::from(byte) % alphabet.len());
    Ok(bytes.into_iter().filter_map(symbol).map(|&own| char::from(own)).collect())
}

impl Planted {
    pub(super) fn new() -> Result<Self, getrandom::Error> {
        Ok(Self(vec![
            ("EC2 instance", format!("i-{}", random(HEX, 17)?)),
            ("VPC", format!("vpc-{}", random(HEX, 17)?)),
            ("security group", format!("sg-{}", random(HEX, 17)?)),
            ("access key", format!("AKIA{}", random(BASE32, 16)?)),
            ("secret key", format!("aB3/{}", random(BASE64, 36)?)),
            ("account", random(DIGITS, 12)?),
            ("role", format!("{}-deployer-7{}", random(LETTERS, 6)?, random(DIGITS, 2)?)),
            ("bucket", format!("{}-exports-4{}", random(LETTERS, 7)?, random(DIGITS, 3)?)),
            ("private address", format!("10.{}.{}.{}", octet()?, octet()?, octet()?)),
        ]))
    }

    pub(super) fn all(&self) -> &[(&'static str, String)] {
        &self.0
    }

    fn value(&self, kind: &str) -> &str {
        self.0.iter().find(|(own, _)| *own == kind).map_or("", |(_, value)| value)
    }

    /// A text with all of them, as people write it.
    fn prose(&self) -> String {
        let [ec2, vpc, group, key, secret, account, role, bucket, address] = [
            "EC2 instance",
            "VPC",
            "security group",
            "access key",
            "secret key",
            "account",
            "role",
            "bucket",
            "private address",
        ]
        .map(|kind| self.value(kind));
        format!(
            "Check {ec2} in {vpc} behind {group} at {address}.\n\
             arn:aws:iam::{account}:role/{role} reads arn:aws:s3:::{bucket}/in/*.\n\
             aws_access_key_id = {key}\naws_secret_access_key = {secret}\n"
        )
    }

    /// The same text where bodies of the APIs hold text.
    pub(super) fn cases(&self) -> Vec<Case> {
        let text = self.prose();
        let nested = json!({"output": {"log": text}}).to_string();
        let claude = |messages: Value, system: &str| json!({"model": "verify", "max_tokens": 9, "system": system, "messages": messages});
        let result = json!([
            {"role": "user", "content": "look"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "run", "input": {"command": text}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": text}]},
        ]);
        let case = |name, path, body| Case { name, path, body };
        let messages = "/v1/messages";
        vec![
            case(
                "Claude, a message",
                messages,
                claude(json!([{"role": "user", "content": text}]), ""),
            ),
            case(
                "Claude, the system text",
                messages,
                claude(json!([{"role": "user", "content": "hi"}]), &text),
            ),
            case("Claude, a tool's input and result", messages, claude(result, "")),
            case(
                "Claude, JSON inside JSON",
                messages,
                claude(json!([{"role": "user", "content": nested}]), ""),
            ),
            case(
                "OpenAI, chat",
                "/v1/chat/completions",
                json!({"model": "verify", "messages": [{"role": "user", "content": text}]}),
            ),
            case("OpenAI, responses", "/v1/responses", json!({"model": "verify", "input": text})),
            case(
                "Gemini",
                "/v1beta/models/verify:generateContent",
                json!({"contents": [{"role": "user", "parts": [{"text": text}]}]}),
            ),
            case(
                "Bedrock, converse",
                "/model/verify/converse",
                json!({"messages": [{"role": "user", "content": [{"text": text}]}]}),
            ),
            case("another API", "/v1/anything", json!({"question": {"deep": [text]}})),
        ]
    }
}

fn octet() -> Result<u8, getrandom::Error> {
    let mut byte = [0_u8];
    getrandom::fill(&mut byte)?;
    let [byte] = byte;
    Ok(byte % 200 + 20)
}
