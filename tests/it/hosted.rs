//! What the provider does by itself: tools that it runs, and where it stops.

use std::sync::Arc;

use masker::body::select::Hosted;
use masker::ext_proc::exchange::{Exchange, Output};
use masker::ext_proc::settings::{Refuse, Settings};
use masker::telemetry::labels::{self, Tool};
use serde_json::{Value, json};

use crate::driver::{
    answered, forwarded_as, masked, request_body, request_headers, send, settings,
};
use crate::golden_streams::mask_text;

const ID: &str = "i-0123456789abcdef0";
const CLAUDE: &str = "/v1/messages";
const CHAT: &str = "/v1/chat/completions";
const RESPONSES: &str = "/v1/responses";
const GEMINI: &str = "/v1beta/models/g:generateContent";
const CONVERSE: &str = "/model/amazon.nova-v1%3A0/converse";

/// An exchange with these settings, and what it said to the request.
fn asked(refuse: Refuse, path: &str, body: &Value) -> (Exchange, Vec<Output>) {
    let mut exchange = Exchange::new(Arc::new(Settings { refuse, ..settings() }));
    send(&mut exchange, request_headers(path, "application/json", false)).unwrap();
    let said = send(&mut exchange, request_body(body.to_string().as_bytes(), true)).unwrap();
    (exchange, said)
}

fn is_refused(said: &[Output], code: &str) -> bool {
    matches!(said, [Output::Refuse(reply)] if reply.status == 422 && reply.code == code)
}

#[test]
fn tools_of_the_provider_are_counted_and_refused_where_they_must() {
    let typed = |kind: &str| json!({"messages": [], "tools": [{"type": kind, "name": "t"}]});
    let gemini = |name: &str| json!({"contents": [], "tools": [{name: {}}]});
    let nova = |name: &str| json!({"messages": [], "toolConfig": {"tools": [{"systemTool": {"name": name}}]}});
    let (search, fetch, code) = (Hosted::WebSearch, Hosted::WebFetch, Hosted::Code);
    for (path, body, tool, label) in [
        (CLAUDE, typed("web_search_20250305"), search, Tool::WebSearch),
        (CLAUDE, typed("web_fetch_20250910"), fetch, Tool::WebFetch),
        (CLAUDE, typed("code_execution_20250825"), code, Tool::Code),
        (
            CLAUDE,
            json!({"messages": [], "mcp_servers": [{"type": "url", "name": "n"}]}),
            Hosted::Mcp,
            Tool::Mcp,
        ),
        (RESPONSES, typed("web_search_preview"), search, Tool::WebSearch),
        (RESPONSES, typed("code_interpreter"), code, Tool::Code),
        (RESPONSES, typed("mcp"), Hosted::Mcp, Tool::Mcp),
        (RESPONSES, typed("file_search"), Hosted::FileSearch, Tool::FileSearch),
        (RESPONSES, typed("image_generation"), Hosted::Other, Tool::Other),
        (
            RESPONSES,
            json!({"input": "x", "tools": [{"type": "shell", "environment": {"type": "container_auto"}}]}),
            code,
            Tool::Code,
        ),
        (CHAT, json!({"messages": [], "web_search_options": {}}), search, Tool::WebSearch),
        (GEMINI, gemini("googleSearch"), search, Tool::WebSearch),
        (GEMINI, gemini("urlContext"), fetch, Tool::WebFetch),
        (GEMINI, gemini("code_execution"), code, Tool::Code),
        (GEMINI, gemini("fileSearch"), Hosted::FileSearch, Tool::FileSearch),
        (CONVERSE, nova("nova_grounding"), search, Tool::WebSearch),
        (CONVERSE, nova("nova_code_interpreter"), code, Tool::Code),
    ] {
        let (exchange, said) = asked(Refuse::default(), path, &body);
        assert!(matches!(said.first(), Some(Output::RequestHeaders { .. })), "{body}");
        assert_eq!(exchange.tally.hosted.into_iter().collect::<Vec<_>>(), [(label, 1)], "{body}");
        let own = Refuse { hosted: [tool].into(), ..Refuse::default() };
        assert!(is_refused(&asked(own, path, &body).1, "provider_tool"), "{body}");
        let others = [search, fetch, code, Hosted::Mcp, Hosted::FileSearch, Hosted::Other];
        let others = others.into_iter().filter(|&other| other != tool).collect();
        let (_, said) = asked(Refuse { hosted: others, ..Refuse::default() }, path, &body);
        assert!(matches!(said.first(), Some(Output::RequestHeaders { .. })), "{body}");
    }
    for (path, body) in [
        (CLAUDE, typed("bash_20250124")),
        (CLAUDE, typed("text_editor_20250728")),
        (CLAUDE, typed("custom")),
        (RESPONSES, typed("function")),
        (RESPONSES, typed("local_shell")),
        (RESPONSES, typed("shell")),
        (GEMINI, gemini("functionDeclarations")),
        (CLAUDE, json!({"messages": [{"role": "user", "content": "web_search"}]})),
    ] {
        assert!(asked(Refuse::default(), path, &body).0.tally.hosted.is_empty(), "{body}");
    }
}

#[test]
fn sound_and_videos_have_settings_of_their_own() {
    let claude = |media: &str| {
        let source = json!({"type": "base64", "media_type": media, "data": "AA=="});
        json!({"messages": [{"role": "user", "content": [{"type": "image", "source": source}]}]})
    };
    let converse = |kind: &str| {
        let block = json!({kind: {"format": "x", "source": {"bytes": "AA=="}}});
        json!({"messages": [{"role": "user", "content": [block]}]})
    };
    let audio = json!({"messages": [{"role": "user", "content":
        [{"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}]}]});
    let gemini = |media: &str| json!({"contents": [{"parts": [{"inlineData": {"mimeType": media, "data": "AA=="}}]}]});
    let (images, sound, video) = (
        Refuse { images: true, ..Refuse::default() },
        Refuse { audio: true, ..Refuse::default() },
        Refuse { video: true, ..Refuse::default() },
    );
    for (path, body, label, refused) in [
        (CLAUDE, claude("image/png"), labels::Opaque::Image, [true, false, false]),
        (CONVERSE, converse("image"), labels::Opaque::Image, [true, false, false]),
        (CONVERSE, converse("video"), labels::Opaque::Video, [true, false, true]),
        (CONVERSE, converse("audio"), labels::Opaque::Audio, [true, true, false]),
        (CHAT, audio, labels::Opaque::Audio, [true, true, false]),
        (GEMINI, gemini("image/png"), labels::Opaque::Image, [true, false, false]),
        (GEMINI, gemini("audio/wav"), labels::Opaque::Audio, [true, true, false]),
        (GEMINI, gemini("video/mp4"), labels::Opaque::Video, [true, false, true]),
        (GEMINI, gemini("application/pdf"), labels::Opaque::Document, [false, false, false]),
    ] {
        let (exchange, _) = asked(Refuse::default(), path, &body);
        assert_eq!(exchange.tally.opaque.into_keys().collect::<Vec<_>>(), [label], "{body}");
        let found = [&images, &sound, &video]
            .map(|refuse| is_refused(&asked(refuse.clone(), path, &body).1, "opaque_content"));
        assert_eq!(found, refused, "{body}");
    }
}

#[test]
fn blocks_of_types_that_are_not_known_are_masked_and_counted() {
    let body =
        json!({"messages": [{"role": "user", "content": [{"type": "hologram", "about": ID}]}]});
    let (exchange, said) = asked(Refuse::default(), CLAUDE, &body);
    assert_eq!(exchange.tally.blocks, 1);
    let sent = |output: &Output| matches!(output, Output::RequestBody { bytes, .. } if !bytes.is_empty() && !String::from_utf8_lossy(bytes).contains(ID));
    assert!(said.iter().any(sent));
    let answer =
        json!({"type": "message", "content": [{"type": "hologram", "about": mask_text(ID)}]});
    let mut exchange = forwarded_as(CLAUDE, "text/plain", ID);
    answered(&mut exchange, "application/json", &[answer.to_string().as_bytes()]);
    assert_eq!(exchange.tally.counts.blocks, 1);
    let event =
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "hologram"}});
    let mut exchange = forwarded_as(CLAUDE, "text/plain", ID);
    answered(&mut exchange, "text/event-stream", &[format!("data: {event}\n\n").as_bytes()]);
    assert_eq!(exchange.tally.counts.blocks, 1);
}

#[test]
fn stop_sequences_are_masked_as_the_text_is() {
    let stop = mask_text(ID);
    for (path, body, place) in [
        (CLAUDE, json!({"messages": [], "stop_sequences": [ID]}), "/stop_sequences/0"),
        (CHAT, json!({"messages": [], "stop": [ID]}), "/stop/0"),
        (CHAT, json!({"messages": [], "stop": ID}), "/stop"),
        (
            GEMINI,
            json!({"contents": [], "generationConfig": {"stopSequences": [ID]}}),
            "/generationConfig/stopSequences/0",
        ),
        (
            CONVERSE,
            json!({"messages": [], "inferenceConfig": {"stopSequences": [ID]}}),
            "/inferenceConfig/stopSequences/0",
        ),
        (
            "/v1/messages/batches",
            json!({"requests": [{"custom_id": "a", "params": {"messages": [], "stop_sequences": [ID]}}]}),
            "/requests/0/params/stop_sequences/0",
        ),
    ] {
        let sent = masked(path, "application/json", &body.to_string()).body.bytes();
        let sent: Value = serde_json::from_slice(&sent).unwrap();
        assert_eq!(sent.pointer(place), Some(&json!(stop)), "{path}");
    }
    for (path, body, place) in [
        (
            CLAUDE,
            json!({"type": "message", "content": [], "stop_sequence": stop}),
            "/stop_sequence",
        ),
        (
            CONVERSE,
            json!({"stopReason": "stop_sequence", "additionalModelResponseFields": {"stop_sequence": stop}}),
            "/additionalModelResponseFields/stop_sequence",
        ),
        (
            CHAT,
            json!({"choices": [{"index": 0, "finish_reason": "stop", "stop_reason": stop}]}),
            "/choices/0/stop_reason",
        ),
    ] {
        let mut exchange = forwarded_as(path, "text/plain", ID);
        let client = answered(&mut exchange, "application/json", &[body.to_string().as_bytes()]);
        let client: Value = serde_json::from_slice(&client).unwrap();
        assert_eq!(client.pointer(place), Some(&json!(ID)), "{path}");
    }
}
