//! The golden bodies: `NAME.EXT`, what is planted in it (`NAME.planted`), and
//! what the provider sees (`NAME.masked.EXT`).

use std::fs;
use std::path::{Path, PathBuf};

use masker::body::select::Format;

use crate::files::{dir, inputs};

/// How the bodies of a directory are sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Family {
    pub(crate) dir: &'static str,
    pub(crate) path: &'static str,
    pub(crate) media: &'static str,
    /// The JSON format, if a body is one JSON document.
    pub(crate) format: Option<Format>,
}

const FAMILIES: &[Family] = &[
    Family {
        dir: "messages",
        path: "/v1/messages",
        media: "application/json",
        format: Some(Format::Messages),
    },
    Family { dir: "other", path: "/v1/x", media: "application/json", format: Some(Format::Other) },
    Family {
        dir: "batch",
        path: "/v1/messages/batches",
        media: "application/json",
        format: Some(Format::Batch),
    },
    Family {
        dir: "chat",
        path: "/v1/chat/completions",
        media: "application/json",
        format: Some(Format::Chat),
    },
    Family {
        dir: "responses",
        path: "/v1/responses",
        media: "application/json",
        format: Some(Format::Responses),
    },
    Family {
        dir: "gemini",
        path: "/v1beta/models/gemini-3-pro:generateContent",
        media: "application/json",
        format: Some(Format::Gemini),
    },
    Family {
        dir: "converse",
        path: "/model/amazon.nova-v1%3A0/converse",
        media: "application/json",
        format: Some(Format::Converse),
    },
    Family {
        dir: "invoke",
        path: "/model/anthropic.claude-v1%3A0/invoke",
        media: "application/json",
        format: Some(Format::Invoke),
    },
    Family { dir: "lines", path: "/v1/x", media: "application/x-ndjson", format: None },
    Family { dir: "text", path: "/v1/x", media: "text/plain; charset=utf-8", format: None },
    Family {
        dir: "form",
        path: "/v1/files",
        media: "multipart/form-data; boundary=bnd",
        format: None,
    },
];

#[derive(Debug)]
pub(crate) struct Golden {
    pub(crate) name: String,
    pub(crate) family: Family,
    pub(crate) source: String,
    pub(crate) masked: PathBuf,
    /// Must be gone.
    pub(crate) values: Vec<String>,
    /// Must still be there; `*`: everything.
    pub(crate) kept: Vec<String>,
}

impl Golden {
    /// Does it hold texts in base64, which only the provider reads?
    pub(crate) fn has_base64(&self) -> bool {
        ["base64", "inlineData", "\"bytes\""].iter().any(|mark| self.source.contains(mark))
    }
}

pub(crate) fn all() -> Vec<Golden> {
    let of = |family: &Family| {
        let read = |path: PathBuf| {
            let planted = fs::read_to_string(path.with_extension("planted")).unwrap();
            let (kept, values): (Vec<_>, Vec<_>) =
                planted.lines().partition(|line| line.starts_with("= "));
            let extension = path.extension().unwrap().to_str().unwrap();
            Golden {
                name: path.strip_prefix(dir()).unwrap().display().to_string(),
                family: *family,
                source: fs::read_to_string(&path).unwrap(),
                masked: path.with_extension(format!("masked.{extension}")),
                values: values.into_iter().map(str::to_owned).collect(),
                kept: kept.iter().map(|line| line.trim_start_matches("= ").to_owned()).collect(),
            }
        };
        inputs(&dir().join(family.dir)).into_iter().map(read).collect::<Vec<_>>()
    };
    let all: Vec<_> = FAMILIES.iter().flat_map(of).collect();
    assert!(all.len() >= 20, "the golden bodies are found");
    all
}

/// Compares with what is stored; with `MASKER_BLESS=1`, stores it.
pub(crate) fn compare(path: &Path, found: &str) {
    if std::env::var_os("MASKER_BLESS").is_some() {
        fs::write(path, found).unwrap();
    }
    let stored = fs::read_to_string(path)
        .unwrap_or_else(|_| panic!("{}: run with MASKER_BLESS=1", path.display()));
    assert_eq!(found, stored, "{}", path.display());
}

/// Does `text` hold `value`, as it is or below any escapes of JSON?
pub(crate) fn holds(text: &str, value: &str) -> bool {
    let mut level = text.to_owned();
    for _ in 0..8 {
        if level.contains(value) {
            return true;
        }
        let decoded = masker::body::escape::decode(&level).into_owned();
        if decoded == level {
            return false;
        }
        level = decoded;
    }
    level.contains(value)
}
