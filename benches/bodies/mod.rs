//! Bodies to measure with: deterministic, and alike to what a coding agent sends.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// One planted identifier in this many bytes of a request.
const SPACING: usize = 10_000;
const WORDS: [&str; 24] = [
    "the",
    "request",
    "handler",
    "returns",
    "a",
    "timeout",
    "when",
    "service",
    "is",
    "not",
    "ready",
    "so",
    "we",
    "retry",
    "with",
    "backoff",
    "and",
    "log",
    "each",
    "attempt",
    "until",
    "deployment",
    "finishes",
    "cleanly",
];
const NAMES: [&str; 12] = [
    "config", "client", "retries", "payload", "user_id", "buffer", "session", "offset", "queue",
    "handler", "response", "max-age",
];

/// SplitMix64: the same numbers in every run.
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to `bound`, without it.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.roll() % bound).unwrap_or_default()
    }

    pub(crate) fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of.get(self.below(of.len())).copied().unwrap_or_default()
    }

    fn hex(&mut self, len: usize) -> String {
        let mut text = String::new();
        while text.len() < len {
            write!(text, "{:016x}", self.roll()).unwrap_or_default();
        }
        text.truncate(len);
        text
    }

    fn digits(&mut self, len: usize) -> String {
        let mut text = self.roll().to_string() + &self.roll().to_string() + "7777777";
        text.truncate(len);
        text
    }
}

/// A Messages request of about `size` bytes, and the identifiers in it.
pub(crate) fn request(size: usize) -> (String, Vec<String>) {
    let mut dice = Dice::new(42);
    let mut planted = Vec::new();
    let mut messages = vec![json!({"role": "user", "content": "Why do the deployments fail?"})];
    let tools = tools(&mut dice, (size / 3_000).clamp(2, 16));
    let system = sentences(&mut dice, (size / 8).min(14_000));
    let mut len = system.len() + tools.to_string().len();
    while len < size {
        let due = len / SPACING + 1 > planted.len();
        let (command, result) = match dice.below(4) {
            _ if due => ("aws ec2 describe-instances", instances(&mut dice, &mut planted)),
            0 => ("tail -n 40 service.log", log(&mut dice, (size - len).min(5_000))),
            1 => ("git log --stat", history(&mut dice, (size - len).min(3_000))),
            _ => ("cat -n src/client.rs", code(&mut dice, (size - len).min(6_000))),
        };
        let id = format!("toolu_01{}", dice.hex(22));
        let said = sentences(&mut dice, 300);
        let turn = [
            json!({"role": "assistant", "content": [
                {"type": "text", "text": said},
                {"type": "tool_use", "id": id, "name": "Bash", "input": {"command": command}}]}),
            json!({"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": id, "content": result}]}),
        ];
        len += turn.iter().map(|message| message.to_string().len()).sum::<usize>();
        messages.extend(turn);
    }
    let body = json!({
        "model": "claude-sonnet-4-5", "max_tokens": 32_000, "stream": true, "tools": tools,
        "system": [{"type": "text", "text": system, "cache_control": {"type": "ephemeral"}}],
        "messages": messages, "metadata": {"user_id": "user_account__session_bench"},
    });
    (body.to_string(), planted)
}

/// A request whose system prompt teaches so many names, which stand all over the rest. In the
/// bytes, `messages` come before `system` and `tools`.
pub(crate) fn named(size: usize, names: usize) -> String {
    let mut dice = Dice::new(9);
    let names: Vec<_> = (0..names).map(|_| format!("orders-{}-live", dice.hex(4))).collect();
    let arns: Vec<_> = names.iter().map(|name| format!("arn:aws:s3:::{name}")).collect();
    let mut messages = Vec::new();
    let mut len = 0;
    while len < size {
        let name = names.get(dice.below(names.len())).map(String::as_str).unwrap_or_default();
        let text = format!("{} {name}: {}", log(&mut dice, 2_000), code(&mut dice, 3_000));
        len += text.len();
        messages.push(json!({"role": "user", "content": [{"type": "text", "text": text}]}));
    }
    let tools = tools(&mut dice, 16);
    json!({"messages": messages, "system": arns.join(", "), "tools": tools}).to_string()
}

/// The conversation of a Messages request, and 50 turns more of 2 KB each.
pub(crate) fn turns(source: &str) -> Result<Vec<String>, serde_json::Error> {
    let mut body: Value = serde_json::from_str(source)?;
    let mut dice = Dice::new(50);
    let mut turns = vec![source.to_owned()];
    for turn in 0..50 {
        let id = format!("toolu_01{}", dice.hex(22));
        let (said, result) = (sentences(&mut dice, 300), log(&mut dice, 1_500));
        let (call, answer) = (
            json!({"role": "assistant", "content": [{"type": "text", "text": said},
                {"type": "tool_use", "id": id, "name": "Bash", "input": {"command": turn}}]}),
            json!({"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": id, "content": result}]}),
        );
        if let Some(messages) = body.get_mut("messages").and_then(Value::as_array_mut) {
            messages.extend([call, answer]);
        }
        turns.push(body.to_string());
    }
    Ok(turns)
}

/// A stream of about `size` bytes in which one word in ten is a placeholder;
/// how many there are.
pub(crate) fn stream(size: usize, placeholders: &[&str]) -> (String, u64) {
    let mut dice = Dice::new(7);
    let start = json!({"type": "message_start", "message": {"id": "msg_01", "type": "message",
        "role": "assistant", "content": [], "usage": {"input_tokens": 9, "output_tokens": 1}}});
    let block = json!({"type": "content_block_start", "index": 0,
        "content_block": {"type": "text", "text": ""}});
    let mut out = event(&start) + &event(&block);
    let mut planted = 0;
    while out.len() < size {
        let text = if dice.below(10) == 0 {
            planted += 1;
            format!("`{}` ", dice.pick(placeholders))
        } else {
            format!("{} ", dice.pick(&WORDS))
        };
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (piece, next) = rest.split_at(rest.len().min(1 + dice.below(6)));
            // As the API writes them: the order of keys is its own.
            out += "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",";
            out += "\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":";
            out += &format!("{}}}}}\n\n", Value::from(piece));
            rest = next;
        }
        if dice.below(200) == 0 {
            out += &event(&json!({"type": "ping"}));
        }
    }
    out += &event(&json!({"type": "content_block_stop", "index": 0}));
    out += &event(&json!({"type": "message_stop"}));
    (out, planted)
}

fn event(data: &Value) -> String {
    let name = data.get("type").and_then(Value::as_str).unwrap_or_default();
    format!("event: {name}\ndata: {data}\n\n")
}

fn tools(dice: &mut Dice, count: usize) -> Value {
    let tool = |index| {
        json!({"name": format!("Tool{index}"), "description": sentences(dice, 600),
            "input_schema": {"type": "object", "required": ["command"], "properties": {
                "command": {"type": "string", "description": sentences(dice, 80)},
                "timeout": {"type": "number", "description": sentences(dice, 60)}}}})
    };
    Value::Array((0..count).map(tool).collect())
}

fn sentences(dice: &mut Dice, len: usize) -> String {
    let mut text = String::from("IMPORTANT:");
    while text.len() < len {
        let end = if dice.below(12) == 0 { ".\n- Use `--dry-run` (v2.31.0) first:" } else { "" };
        text += &format!(" {}{end}", dice.pick(&WORDS));
    }
    text
}

fn instances(dice: &mut Dice, planted: &mut Vec<String>) -> String {
    let found = [
        format!("i-0{}", dice.hex(16)),
        format!("10.{}.{}.{}", dice.below(256), dice.below(256), 1 + dice.below(254)),
        format!("vpc-0{}", dice.hex(16)),
    ];
    let (account, role) = (dice.digits(12), format!("deploy-{}", dice.hex(6)));
    let [instance, address, vpc] = &found;
    let reply = json!({"Reservations": [{"Instances": [{
        "InstanceId": instance, "PrivateIpAddress": address, "VpcId": vpc,
        "InstanceType": "m7g.large", "LaunchTime": "2025-03-04T05:06:07+00:00", "State":
        {"Code": 16, "Name": "running"}, "Tags": [{"Key": "team", "Value": "payments"}],
        "IamInstanceProfile": {"Arn": format!("arn:aws:iam::{account}:instance-profile/{role}")},
        "Placement": {"AvailabilityZone": "eu-central-1a", "Tenancy": "default"}}]}]});
    planted.extend(found);
    planted.extend([account, role]);
    format!("{reply:#}")
}

fn log(dice: &mut Dice, len: usize) -> String {
    let mut text = String::new();
    while text.len() < len {
        let (at, took, name) = (dice.below(86_400), dice.below(9_000), dice.pick(&NAMES));
        let (clock, said) =
            (format!("{:02}:{:02}:{:02}", at / 3600, at / 60 % 60, at % 60), dice.pick(&WORDS));
        let (trace, status) = (dice.hex(32), 200 + dice.below(5) * 100);
        text += &format!(
            "2025-03-04T{clock}.{took:03}Z  INFO api::{name}: {said} trace_id={trace} status={status} took={took}ms\n"
        );
    }
    text
}

fn history(dice: &mut Dice, len: usize) -> String {
    let mut text = String::new();
    while text.len() < len {
        let (hash, name, added) = (dice.hex(40), dice.pick(&NAMES), dice.below(90));
        let said = sentences(dice, 60);
        text += &format!(
            "commit {hash}\nAuthor: A <a@example.org>\n\n    {said}\n\n src/{name}.rs | {added} +++--\n\n"
        );
    }
    text
}

fn code(dice: &mut Dice, len: usize) -> String {
    let mut text = String::new();
    let mut line = 0;
    while text.len() < len {
        line += 1;
        let (a, b, n) = (dice.pick(&NAMES), dice.pick(&NAMES), dice.below(4096));
        text += &match dice.below(6) {
            0 => format!("{line:>6}\t    let {a} = self.{b}.get(\"{a}\").unwrap_or(&{n});\n"),
            1 => format!("{line:>6}\t    // {}\n", sentences(dice, 50)),
            2 => {
                format!("{line:>6}\tpub fn {a}_{b}(&self, {b}: &[u8]) -> Result<usize, Error> {{\n")
            }
            3 => format!(
                "{line:>6}\t    if {a}.len() - {n} > {b}::MAX {{ return Err(Error::{n}) }}\n"
            ),
            4 => format!("{line:>6}\t    url = \"https://example.org/{a}/{b}?v={n}\", ok: true,\n"),
            _ => format!("{line:>6}\t}}\n\n"),
        };
    }
    text
}
