//! The arrays of tables: their fields, and routes.

use crate::config::PassThrough;
use crate::config::file::File;
use crate::config::problem::Origin;
use crate::config::value::Row;
use crate::config::value::Value;

/// The rows of an array of tables that are whole.
pub(crate) fn rows(file: &File, key: &str) -> Vec<Row> {
    match file.values.get(key) {
        Some((Value::Rows(rows), _)) => rows.clone(),
        _ => Vec::new(),
    }
}

pub(crate) fn routes(file: &mut File) -> Vec<PassThrough> {
    let mut found = Vec::new();
    for row in rows(file, "routes") {
        let origin = Origin::File(row.line);
        let (Some(path_prefix), Some(media_types)) =
            (row.text("path_prefix"), row.list("media_types"))
        else {
            continue;
        };
        if !path_prefix.starts_with('/') {
            file.problem(
                origin,
                "routes.path_prefix begins with a slash: \"/v1/audio/\"".to_owned(),
            );
        }
        for media_type in media_types {
            let plain = |part: &str| {
                let legal = |b: u8| {
                    b.is_ascii_lowercase() || b.is_ascii_digit() || b"!#$&-^_.+".contains(&b)
                };
                !part.is_empty() && part.bytes().all(legal)
            };
            if !media_type.split_once('/').is_some_and(|(of, what)| plain(of) && plain(what)) {
                let text = format!(
                    "routes.media_types holds {media_type:?}; write a lower-case type without parameters such as \"audio/mpeg\""
                );
                file.problem(origin, text);
            }
        }
        found.push(PassThrough {
            path_prefix: path_prefix.to_owned(),
            media_types: media_types.to_vec(),
        });
    }
    found
}

impl Row {
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.fields.iter().find_map(|(name, value)| match value {
            Value::Text(text) if *name == key => Some(text.as_str()),
            _ => None,
        })
    }

    pub(crate) fn number<N: TryFrom<u64>>(&self, key: &str) -> Option<N> {
        self.fields.iter().find_map(|(name, value)| match value {
            Value::Number(number) if *name == key => N::try_from(*number).ok(),
            _ => None,
        })
    }

    pub(crate) fn flag(&self, key: &str) -> bool {
        self.fields.iter().any(|(name, value)| matches!(value, Value::Flag(true)) && *name == key)
    }

    /// Is the field there, right or wrong?
    pub(crate) fn has(&self, key: &str) -> bool {
        self.lines.iter().any(|(name, _)| *name == key)
    }

    /// Where the field stands, or else the row.
    pub(crate) fn origin(&self, key: &str) -> Origin {
        let line = self.lines.iter().find(|(name, _)| *name == key);
        Origin::File(line.map_or(self.line, |(_, line)| *line))
    }

    pub(crate) fn list(&self, key: &str) -> Option<&[String]> {
        self.fields.iter().find_map(|(name, value)| match value {
            Value::List(list) if *name == key => Some(list.as_slice()),
            _ => None,
        })
    }
}
