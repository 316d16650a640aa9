//! Answers as HTTP: whole, in events, compressed, slow, cut, with trailers.

use std::io;
use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use hyper::{Response, StatusCode};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::script::Script;

pub(crate) type Body = BoxBody<Bytes, io::Error>;

/// Every answer has these, so that a test can see them arrive unchanged.
pub(crate) const HEADERS: [(&str, &str); 4] = [
    ("request-id", "req_011mockmockmockmockmock"),
    ("anthropic-organization-id", "0fa1b2c3-0000-4000-8000-00000000c0de"),
    ("anthropic-ratelimit-requests-remaining", "41"),
    ("anthropic-ratelimit-tokens-reset", "2026-11-21T00:00:30Z"),
];

pub(crate) fn whole(status: u16, media_type: &str, body: impl Into<Bytes>) -> Response<Body> {
    let body = Full::new(body.into()).map_err(|never| match never {}).boxed();
    headed(status, media_type, body)
}

pub(crate) fn json(status: u16, body: &Value) -> Response<Body> {
    whole(status, "application/json", body.to_string())
}

/// An answer of parts, in the way that the script wants them sent.
pub(crate) fn parts(media_type: &str, parts: Vec<Bytes>, script: &Script) -> Response<Body> {
    let parts: Vec<Bytes> = match &script.encoding {
        Some(encoding) => {
            let packed = compress(encoding, &parts.concat()).unwrap_or_default();
            packed.chunks(100).map(Bytes::copy_from_slice).collect()
        }
        None => parts,
    };
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(send(parts, script.clone(), sender));
    let body = StreamBody::new(ReceiverStream::new(receiver)).boxed();
    let mut response = headed(200, media_type, body);
    if let Some(encoding) = script.encoding.as_deref().and_then(|name| name.parse().ok()) {
        response.headers_mut().insert("content-encoding", encoding);
    }
    response
}

async fn send(parts: Vec<Bytes>, script: Script, to: mpsc::Sender<io::Result<Frame<Bytes>>>) {
    let pause = Duration::from_millis(script.delay_ms);
    for (number, part) in parts.into_iter().enumerate() {
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        let cut = script.abort_after == Some(number);
        let frame =
            if cut { Err(io::Error::other("cut by the script")) } else { Ok(Frame::data(part)) };
        if to.send(frame).await.is_err() || cut {
            return;
        }
    }
    if script.trailers {
        let mut trailers = HeaderMap::new();
        trailers.insert("x-mock-trailer", http::HeaderValue::from_static("end"));
        // The client may be gone, and then nobody misses the trailer.
        let _sent = to.send(Ok(Frame::trailers(trailers))).await;
    }
}

fn headed(status: u16, media_type: &str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::IM_A_TEAPOT);
    let headers = response.headers_mut();
    if let Ok(media_type) = media_type.parse() {
        headers.insert("content-type", media_type);
    }
    for (name, value) in HEADERS {
        headers.insert(name, http::HeaderValue::from_static(value));
    }
    response
}

/// Compresses with a named content coding.
pub(crate) fn compress(encoding: &str, plain: &[u8]) -> io::Result<Vec<u8>> {
    let fast = flate2::Compression::fast();
    match encoding {
        "gzip" => {
            let mut writer = flate2::write::GzEncoder::new(Vec::new(), fast);
            writer.write_all(plain)?;
            writer.finish()
        }
        "deflate" => {
            let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), fast);
            writer.write_all(plain)?;
            writer.finish()
        }
        "br" => {
            let mut packed = Vec::new();
            let mut writer = brotli::CompressorWriter::new(&mut packed, 4096, 1, 20);
            writer.write_all(plain)?;
            drop(writer);
            Ok(packed)
        }
        "zstd" => zstd::encode_all(plain, 1),
        _ => Err(io::Error::other("no such content coding")),
    }
}
