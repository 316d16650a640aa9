//! HTTP headers as Envoy hands them over, and what is read from them.

use std::fmt;

use bytes::Bytes;

/// Headers of a request or an answer, names in lower case.
#[derive(Clone, Default)]
pub struct Headers(Vec<(String, Bytes)>);

impl fmt::Debug for Headers {
    /// Names only: values hold API keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl FromIterator<(String, Bytes)> for Headers {
    fn from_iter<I: IntoIterator<Item = (String, Bytes)>>(headers: I) -> Self {
        Self(headers.into_iter().collect())
    }
}

impl Headers {
    /// The first value of a header, if it is text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(own, _)| own == name)?;
        std::str::from_utf8(value).ok()
    }

    /// All values of a header, joined as RFC 9110, section 5.3 allows.
    #[must_use]
    pub fn joined(&self, name: &str) -> String {
        let values = self.0.iter().filter(|(own, _)| own == name);
        let values: Vec<_> = values.map(|(_, value)| String::from_utf8_lossy(value)).collect();
        values.join(", ")
    }

    /// Names and values that are text.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), std::str::from_utf8(value).ok()?)))
    }

    /// Names, each once.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.0.iter().map(|(name, _)| name.clone()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// `:path` without the query.
    #[must_use]
    pub fn path(&self) -> &str {
        let path = self.text(":path").unwrap_or_default();
        path.split_once('?').map_or(path, |(path, _)| path)
    }

    /// A parameter of the query, as it was sent.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        let (_, query) = self.text(":path")?.split_once('?')?;
        query
            .split('&')
            .find_map(|pair| pair.split_once('=').filter(|(own, _)| *own == name))
            .map(|(_, value)| value)
    }

    /// How long the body says that it is.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        self.text("content-length")?.parse().ok()
    }

    /// Is the request signed for AWS, body and all?
    #[must_use]
    pub fn is_signed(&self) -> bool {
        let scheme = self.text("authorization").unwrap_or_default();
        scheme.starts_with("AWS4-") || self.query("X-Amz-Signature").is_some()
    }

    /// What a body is, by its `content-type`.
    #[must_use]
    pub fn media(&self) -> Media {
        Media::parse(self.text("content-type").unwrap_or_default())
    }
}

/// Media types that are told apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Media {
    Json,
    /// One JSON document a line.
    JsonLines,
    EventStream,
    /// AWS's binary event stream.
    Messages,
    Text,
    /// `multipart/form-data`, with its boundary.
    Form(String),
    /// A charset other than UTF-8.
    Charset,
    None,
    /// Bytes of any kind: files that are fetched.
    Binary,
    Other,
}

impl Media {
    fn parse(content_type: &str) -> Self {
        let lower = content_type.to_ascii_lowercase();
        let kind = lower.split(';').next().unwrap_or_default().trim();
        let charset = lower.split(';').skip(1).find_map(|parameter| {
            parameter.trim().strip_prefix("charset=").map(|set| set.trim().trim_matches('"'))
        });
        let media = match kind {
            "" => return Self::None,
            "text/event-stream" => Self::EventStream,
            "application/vnd.amazon.eventstream" => Self::Messages,
            "application/x-ndjson"
            | "application/ndjson"
            | "application/jsonl"
            | "application/x-jsonl"
            | "application/jsonlines" => Self::JsonLines,
            "application/octet-stream" | "application/binary" | "binary/octet-stream" => {
                return Self::Binary;
            }
            "multipart/form-data" => match crate::body::multipart::boundary(content_type) {
                Some(boundary) => Self::Form(boundary.to_owned()),
                None => Self::Other,
            },
            _ if kind == "application/json" || kind.ends_with("+json") => Self::Json,
            _ if kind.starts_with("text/") => Self::Text,
            _ => return Self::Other,
        };
        match charset {
            Some(set) if !matches!(set, "utf-8" | "utf8" | "us-ascii") => Self::Charset,
            _ => media,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_are_told_apart() {
        for (header, media) in [
            ("application/json", Media::Json),
            ("Application/JSON; charset=\"UTF-8\"", Media::Json),
            ("application/problem+json", Media::Json),
            ("application/json; charset=utf-16", Media::Charset),
            ("text/event-stream; charset=utf-8", Media::EventStream),
            ("application/x-ndjson", Media::JsonLines),
            ("text/csv", Media::Text),
            ("multipart/form-data; boundary=AbC", Media::Form("AbC".to_owned())),
            ("multipart/form-data", Media::Other),
            ("application/vnd.amazon.eventstream", Media::Messages),
            ("image/png", Media::Other),
            ("", Media::None),
        ] {
            assert_eq!(Media::parse(header), media, "{header}");
        }
    }

    #[test]
    fn paths_and_queries_are_read() {
        let headers: Headers = [(":path".to_owned(), Bytes::from("/v1/messages?beta=true&key=k"))]
            .into_iter()
            .collect();
        assert_eq!((headers.path(), headers.query("key")), ("/v1/messages", Some("k")));
        assert_eq!(format!("{headers:?}"), "[\":path\"]");
    }
}
