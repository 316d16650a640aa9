//! What the model thought, shown to the client, and sent back to the model as it wrote it.

use std::sync::Arc;

use masker::ext_proc::exchange::{Exchange, Output};
use masker::ext_proc::settings::Settings;
use masker::mask::masker::{Around, Masker};
use serde_json::{Value, json};

use crate::conversations::{Client, echo};
use crate::driver::{Kept, request_body, request_headers, send, settings};

pub(crate) const ID: &str = "i-0123456789abcdef0";
pub(crate) const INVENTED: &str = "i-0fedcba9876543210";
pub(crate) const SAID: &str =
    "aws rds describe-db-instances --db-instance-identifier prod i-0123456789abcdef0";

pub(crate) fn with(thinking: bool) -> Arc<Settings> {
    let settings = settings();
    let around = Around { thinking, ..settings.masker.around };
    Arc::new(Settings { masker: Masker { around, ..settings.masker }, ..settings })
}

fn body_of(outputs: &[Output]) -> Vec<u8> {
    let body = |output: &Output| match output {
        Output::RequestBody { bytes, .. } => bytes.to_vec(),
        _ => Vec::new(),
    };
    outputs.iter().flat_map(body).collect()
}

/// The placeholder of this kind in a masked text.
pub(crate) fn placeholder<'m>(masked: &'m str, kind: &str) -> &'m str {
    let from = masked.find(kind).unwrap();
    &masked[from..from + kind.len() + 12]
}

/// What a model thinks of it, and then says.
fn thoughts(masked: &str) -> Vec<Value> {
    let (id, name) = (placeholder(masked, "AWS_EC2_"), placeholder(masked, "AWS_RDS_"));
    let thought = |thinking: String, signature: &str| {
        json!([{"type": "thinking", "thinking": thinking, "signature": signature},
            {"type": "text", "text": format!("See {id}.")}])
    };
    vec![
        thought(format!("About {id}\n\"{id}\""), "c2ln"),
        thought(format!("The {name} one, {INVENTED} and {}", id.to_lowercase()), "c2lnMg=="),
        thought(String::new(), "c2lnMw=="),
        thought(format!("Such as {INVENTED}"), "c2lnNA=="),
        json!([{"type": "thinking", "thinking": format!("First {name}"), "signature": "a"},
            {"type": "redacted_thinking", "data": id},
            {"type": "thinking", "thinking": format!("Then {name} again"), "signature": "b"},
            {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": id}}]),
    ]
}

fn shown(got: &Value) -> Vec<&str> {
    let blocks = got.as_array().unwrap().iter();
    blocks.filter_map(|block| block["thinking"].as_str()).collect()
}

#[test]
fn it_is_restored_for_the_client_and_goes_back_as_it_was() {
    for (session, piece) in [(Some("s"), 1), (None, 4), (Some("s"), 0), (None, 0)] {
        let mut kept = Kept::new();
        let mut client = Client::new(&with(true), &mut kept, session);
        client.piece = piece;
        for (which, expected) in [
            vec![format!("About {ID}\n\"{ID}\"")],
            vec![format!("The prod one, {INVENTED} and {ID}")],
            vec![String::new()],
            vec![format!("Such as {INVENTED}")],
            vec!["First prod".to_owned(), "Then prod again".to_owned()],
        ]
        .into_iter()
        .enumerate()
        {
            let (_, got) = client.turn(SAID, |said| thoughts(said)[which].clone());
            assert_eq!(shown(&got), expected, "{which}");
            let text = got.to_string();
            // Signatures and what is not text stay.
            assert_eq!(text.matches("AWS_EC2_").count(), usize::from(which == 4), "{text}");
        }
        // Each turn compares what is sent with what the model wrote.
        client.turn("And now?", echo);
        client.turn("Thanks.", echo);
        assert_eq!((client.fault, client.lost), (None, false));
        assert_eq!(client.originals, 4, "what masking gives again is not kept");
    }
}

#[test]
fn a_conversation_keeps_what_it_began_with() {
    for (before, after) in [(true, false), (false, true)] {
        let mut kept = Kept::new();
        let mut client = Client::new(&with(before), &mut kept, None);
        client.turn(SAID, |said| thoughts(said)[1].clone());
        client.settings = with(after);
        let (_, got) = client.turn(SAID, |said| thoughts(said)[0].clone());
        assert_eq!(shown(&got)[0].contains(ID), before);
        client.turn("Thanks.", echo);
        assert_eq!((client.fault, client.lost), (None, false));
        // A new one takes what counts now.
        let mut client = Client::new(&with(after), &mut kept, None);
        let (_, got) = client.turn(SAID, |said| thoughts(said)[0].clone());
        assert_eq!(shown(&got)[0].contains(ID), after);
    }
}

/// A field that says elsewhere that the provider keeps the conversation says nothing here.
#[test]
fn a_field_of_another_api_does_not_let_it_out() {
    for name in ["conversation", "previous_response_id"] {
        let body = json!({name: "x", "messages": [{"role": "user", "content": SAID},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": format!("About {ID}"), "signature": "c2ln"},
                {"type": "text", "text": "See."}]},
            {"role": "user", "content": "Thanks."}]});
        let mut exchange = Exchange::new(with(true));
        let headers = request_headers("/v1/messages", "application/json", false);
        send(&mut exchange, headers).unwrap();
        let sent = send(&mut exchange, request_body(body.to_string().as_bytes(), true)).unwrap();
        let sent = String::from_utf8(body_of(&sent)).unwrap();
        assert!(sent.contains("Thanks.") && !sent.contains(ID), "{sent}");
    }
}

/// Nobody remembers: it is masked as a text is, whatever the option says by now.
#[test]
fn what_was_shown_never_goes_out_restored() {
    for (session, after) in [(Some("s"), true), (None, true), (Some("s"), false), (None, false)] {
        let mut kept = Kept::new();
        let mut client = Client::new(&with(true), &mut kept, session);
        client.turn(SAID, |said| thoughts(said)[0].clone());
        client.kept.clear();
        client.settings = with(after);
        // The provider sees what it wrote: masking gives it again.
        let (masked, got) = client.turn(SAID, |said| thoughts(said)[1].clone());
        assert!(client.lost && masked.contains("AWS_EC2_"));
        assert!(shown(&got)[0].contains(ID), "it goes on to be shown");
        // Of this one it does not.
        client.kept.clear();
        client.provider.messages.clear();
        client.turn("Thanks.", echo);
        let sent = json!(client.provider.messages).to_string();
        assert!(!sent.contains(ID) && sent.contains("The prod one"), "{sent}");
        assert_eq!(client.fault, None);
    }
}

#[test]
fn without_the_option_nothing_of_it_is_touched() {
    let mut kept = Kept::new();
    let mut client = Client::new(&with(false), &mut kept, Some("s"));
    for which in [0, 1, 2, 3, 4, 1] {
        let (said, got) = client.turn(SAID, |said| thoughts(said)[which].clone());
        assert_eq!(shown(&got), shown(&thoughts(&said)[which]));
        // Lost in between: there is nothing to mask in it.
        client.kept.clear();
    }
    assert_eq!(client.fault, None);
}
