//! Bodies that cannot be masked are refused, clearly and without their text.

use serde_json::{Value, json};

use crate::bed::{Bed, Plan, Reply};
use crate::messages::asking;
use crate::planted::{VALUES, find, prose};
use crate::provider::reply::compress;

const JSON: &str = "application/json";

/// Name, status, content coding, media type and body.
type Case = (&'static str, u16, Option<&'static str>, &'static str, Vec<u8>);

/// A refusal in the provider's own format that repeats nothing of the request.
#[track_caller]
pub(crate) fn assert_refused(reply: &Reply, status: u16, case: &str) {
    assert_eq!(reply.status, status, "{case}: {}", reply.text());
    assert_eq!(reply.header("content-type"), JSON, "{case}");
    assert!(reply.header("x-masker-error").starts_with("AWS_MASKER_"), "{case}");
    let body = reply.json();
    assert_eq!(body["type"], "error", "{case}");
    let kind = body["error"]["type"].as_str().unwrap_or_default();
    assert!(kind.ends_with("_error") || kind == "request_too_large", "{case}: {body}");
    assert!(body["error"]["message"].as_str().is_some_and(|text| text.len() > 5), "{case}");
    assert_eq!(find(&reply.body), None, "{case}");
}

async fn send(bed: &Bed, headers: &[(&str, &str)], body: Vec<u8>) -> Reply {
    bed.client.send("POST", &bed.url("/v1/messages"), headers, body).await
}

fn deep(levels: usize) -> String {
    format!("{}\"{}\"{}", "[".repeat(levels), VALUES[0], "]".repeat(levels))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_refused() {
    let bed = Bed::usual().await;
    let plain = asking(&prose()).to_string().into_bytes();
    let wide: Vec<u8> = prose().encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut invalid = plain.clone();
    invalid.splice(40..40, [0xff, 0xfe, 0x80]);
    let mut marked = b"\xef\xbb\xbf".to_vec();
    marked.extend(&plain);
    let cases: [Case; 12] = [
        ("a picture", 415, None, "image/png", plain.clone()),
        ("unknown bytes", 415, None, "application/octet-stream", plain.clone()),
        ("a document", 415, None, "application/pdf", plain.clone()),
        ("an unknown coding", 415, Some("compress"), JSON, plain.clone()),
        ("an unknown second coding", 415, Some("gzip, x-secret"), JSON, plain.clone()),
        ("another charset", 400, None, "application/json; charset=utf-16", wide.clone()),
        ("latin-1", 400, None, "text/plain; charset=iso-8859-1", plain.clone()),
        ("a byte order mark", 400, None, JSON, marked),
        ("invalid UTF-8", 400, None, JSON, invalid.clone()),
        ("invalid UTF-8 in text", 400, None, "text/plain", invalid),
        ("129 levels", 400, None, JSON, deep(129).into_bytes()),
        ("100,000 levels", 400, None, JSON, deep(100_000).into_bytes()),
    ];
    for (case, status, coding, media_type, body) in cases {
        let mut headers = vec![("content-type", media_type)];
        headers.extend(coding.map(|coding| ("content-encoding", coding)));
        let reply = send(&bed, &headers, body).await;
        assert_refused(&reply, status, case);
        assert_eq!(bed.seen().len(), 0, "{case}");
    }
    let fine = send(&bed, &[("content-type", JSON)], deep(100).into_bytes()).await;
    assert!(bed.seen().iter().all(|seen| find(&seen.body).is_none()), "{}", fine.status);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_what_it_says_does_not_leak() {
    let bed = Bed::usual().await;
    let broken = asking(&prose()).to_string();
    let (broken, _) = broken.split_at(broken.len() - 5);
    let cases: [(&str, Option<&str>, Vec<u8>); 4] = [
        ("cut JSON", Some(JSON), broken.as_bytes().to_vec()),
        ("text as JSON", Some(JSON), prose().into_bytes()),
        ("two values", Some(JSON), format!("{0}{0}", asking(&prose())).into_bytes()),
        ("no media type", None, asking(&prose()).to_string().into_bytes()),
    ];
    for (case, media_type, body) in cases {
        let headers: Vec<_> =
            media_type.map(|media_type| ("content-type", media_type)).into_iter().collect();
        let reply = send(&bed, &headers, body).await;
        assert!(
            reply.status == 200 || (400..500).contains(&reply.status),
            "{case}: {}",
            reply.status
        );
        for seen in bed.seen() {
            assert_eq!(find(&seen.body), None, "{case}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_compression_is_refused() {
    let bed = Bed::usual().await;
    let mut failures = Vec::new();
    for coding in ["gzip", "deflate", "br", "zstd"] {
        let packed = compress(coding, asking(&prose().repeat(40)).to_string().as_bytes()).unwrap();
        let half = packed[..packed.len() / 2].to_vec();
        let most = packed[..packed.len() - 1].to_vec();
        let plain = asking(&prose()).to_string().into_bytes();
        for (case, body) in [("half", half), ("all but a byte", most), ("not packed", plain)] {
            let headers = [("content-type", JSON), ("content-encoding", coding)];
            let reply = send(&bed, &headers, body).await;
            let seen = bed.seen().len();
            if reply.status != 400 || seen != 0 {
                failures.push((coding, case, reply.status, seen));
            }
        }
    }
    assert!(failures.is_empty(), "{failures:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn places_that_must_not_change_are_refused_as_set() {
    let bed = Bed::usual().await;
    let with = |change: fn(&mut Value)| {
        let mut request = asking("Hello");
        change(&mut request);
        request
    };
    let secret = with(|request| request["metadata"] = json!({"user_id": VALUES[3]}));
    let host = with(|request| {
        let url = format!("https://{}.s3.eu-central-1.amazonaws.com/mcp", VALUES[6]);
        request["mcp_servers"] = json!([{"type": "url", "name": "files", "url": url}]);
    });
    for (case, request) in [("a credential", secret), ("a URL", host)] {
        let reply = bed.post("/v1/messages", &request).await;
        assert_refused(&reply, 422, case);
        assert_eq!(bed.seen().len(), 0, "{case}");
    }
    let id = with(|request| request["metadata"] = json!({"user_id": VALUES[0]}));
    assert_eq!(bed.post("/v1/messages", &id).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_route_lets_through_is_counted() {
    let config = "[[routes]]\npath_prefix = \"/v1/files\"\nmedia_types = [\"image/png\"]\n";
    let bed = Bed::start(Plan { config, ..Plan::default() }).await;
    let image = b"\x89PNG\r\n\x1a\n\xff".to_vec();
    let headers = [("content-type", "image/png")];
    for (path, status, seen) in [("/v1/files", 200, 1), ("/v1/messages", 415, 0)] {
        let reply = bed.client.send("POST", &bed.url(path), &headers, image.clone()).await;
        assert_eq!(reply.status, status, "{path}: {}", reply.text());
        let requests = bed.seen();
        assert_eq!(requests.len(), seen, "{path}");
        assert!(requests.iter().all(|request| request.body == image));
    }
    for name in ["requests_total{outcome=\"unmasked\"}", "opaque_total{kind=\"binary\"}"] {
        bed.until_metric(&format!("masker_{name}"), "1").await;
    }
    assert_eq!(bed.metric("masker_requests_total{outcome=\"masked\"}").await, "0");
}
