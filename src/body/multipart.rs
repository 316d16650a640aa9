//! `multipart/form-data` (RFC 7578): its parts, and which of them are text.

use std::ops::Range;

use memchr::memmem;
use thiserror::Error;

/// One part: where its contents stand, and what they are.
#[derive(Debug, PartialEq, Eq)]
pub struct Part {
    /// Its headers.
    pub head: Range<usize>,
    pub span: Range<usize>,
    pub media: PartMedia,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartMedia {
    Text,
    Json,
    JsonLines,
    /// Not looked into.
    Other,
}

#[derive(Debug, Error, PartialEq, Eq)]
#[error("the body is not multipart/form-data with the boundary of its content-type")]
pub struct MultipartError;

/// The boundary in a `content-type`.
#[must_use]
pub fn boundary(content_type: &str) -> Option<&str> {
    let mut parameters = content_type.split(';').skip(1);
    let value = parameters.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
    })?;
    (1..=70).contains(&value.len()).then_some(value)
}

/// The parts of a body.
pub fn parts(body: &str, boundary: &str) -> Result<Vec<Part>, MultipartError> {
    let delimiter = format!("--{boundary}");
    if !body.starts_with(&delimiter) {
        return Err(MultipartError);
    }
    let mut parts = Vec::new();
    let mut at = delimiter.len();
    loop {
        let rest = body.get(at..).ok_or(MultipartError)?;
        if let Some(epilogue) = rest.strip_prefix("--") {
            // RFC 2046 allows a text here that nobody reads; it would go out as it is.
            return if epilogue.trim().is_empty() { Ok(parts) } else { Err(MultipartError) };
        }
        let rest = rest.strip_prefix("\r\n").ok_or(MultipartError)?;
        let start = at + 2;
        let head_len = memmem::find(rest.as_bytes(), b"\r\n\r\n").ok_or(MultipartError)?;
        let contents = start + head_len + 4;
        let close = format!("\r\n{delimiter}");
        // The blank line that ends the headers may itself begin the delimiter.
        let tail = body.get(contents - 2..).ok_or(MultipartError)?;
        let end = memmem::find(tail.as_bytes(), close.as_bytes()).ok_or(MultipartError)?;
        let end = contents - 2 + end;
        let media = media(rest.get(..head_len).unwrap_or_default());
        let head = start..start + head_len;
        parts.push(Part { head, span: contents.min(end)..end, media });
        at = end + close.len();
    }
}

fn media(head: &str) -> PartMedia {
    let mut content_type = None;
    let (mut file, mut extension) = (false, String::new());
    for line in head.split("\r\n") {
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("content-type") {
            content_type = Some(value.trim().to_ascii_lowercase());
        } else if name.eq_ignore_ascii_case("content-disposition") {
            let value = value.to_ascii_lowercase();
            file = value.contains("filename");
            let name = value.trim_end_matches(['"', ' ']).rsplit_once('.');
            extension = name.map(|(_, last)| last.to_owned()).unwrap_or_default();
        }
    }
    match content_type.as_deref() {
        // RFC 7578, section 4.4: the default is text/plain.
        None if !file => PartMedia::Text,
        Some(kind) if kind.starts_with("text/") => PartMedia::Text,
        Some(kind) if kind.contains("jsonl") || kind.contains("ndjson") => PartMedia::JsonLines,
        Some(kind) if kind.contains("json") => PartMedia::Json,
        // SDKs send files so, of whatever kind.
        Some("application/octet-stream") if file => by_extension(&extension),
        _ => PartMedia::Other,
    }
}

/// What a file is, by its name. Text that is none is refused as such.
fn by_extension(extension: &str) -> PartMedia {
    match extension {
        "jsonl" | "ndjson" => PartMedia::JsonLines,
        "json" => PartMedia::Json,
        "txt" | "md" | "csv" | "tsv" | "log" | "xml" | "html" | "yaml" | "yml" | "toml" | "tf"
        | "py" | "sh" | "js" | "ts" | "sql" => PartMedia::Text,
        _ => PartMedia::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n--X\r\n\
        Content-Disposition: form-data; name=\"f\"; filename=\"f.png\"\r\nContent-Type: image/png\r\n\r\n\
        png\r\n--X\r\nContent-Disposition: form-data; name=\"j\"\r\ncontent-type: application/json\r\n\r\n{}\r\n--X--\r\n";

    #[test]
    fn parts_are_found() {
        let parts = parts(BODY, "X").unwrap();
        let read: Vec<_> =
            parts.iter().map(|p| (BODY.get(p.span.clone()).unwrap(), p.media)).collect();
        let expected =
            [("one", PartMedia::Text), ("png", PartMedia::Other), ("{}", PartMedia::Json)];
        assert_eq!(read, expected);
    }

    #[test]
    fn files_of_no_type_go_by_their_names() {
        for (name, expected) in [
            ("batch.jsonl", PartMedia::JsonLines),
            ("Main.TF", PartMedia::Text),
            ("a.json", PartMedia::Json),
            ("a.png", PartMedia::Other),
            ("plain", PartMedia::Other),
        ] {
            let head = format!(
                "Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: application/octet-stream"
            );
            assert_eq!(media(&head), expected, "{name}");
        }
    }

    #[test]
    fn what_is_cut_off_or_foreign_is_refused() {
        for end in 0..BODY.len() - 5 {
            assert_eq!(parts(BODY.split_at(end).0, "X"), Err(MultipartError), "{end}");
        }
        assert_eq!(parts(BODY, "Y"), Err(MultipartError));
        assert_eq!(parts(&format!("{BODY}epilogue"), "X"), Err(MultipartError));
        assert_eq!(boundary("multipart/form-data; boundary=\"a b\""), Some("a b"));
        assert_eq!(boundary("multipart/form-data"), None);
    }
}
