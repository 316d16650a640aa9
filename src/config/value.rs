//! One value of an option: read by its [`Form`], within its limits.

use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use crate::config::options::Form;
use crate::config::units;
use crate::config::units::Size;
use crate::config::units::Time;
use crate::listen::Address;
use crate::store::config::RedisUrl;

#[derive(Clone, Debug)]
pub(crate) enum Value {
    Address(Address),
    /// None is memory.
    Store(Option<RedisUrl>),
    Flag(bool),
    Number(u64),
    Time(Duration),
    Text(String),
    List(Vec<String>),
    /// Rows are read by [`crate::config::file`], which knows their lines.
    Rows(Vec<Row>),
}

/// One table of an array of tables.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) line: usize,
    pub(crate) fields: Vec<(&'static str, Value)>,
    /// Where each of them stands.
    pub(crate) lines: Vec<(&'static str, usize)>,
}

/// Reads a value as it stands in the file. The error says what would be right.
pub(crate) fn read(form: Form, value: &DeValue<'_>) -> Result<Value, String> {
    let wrong = || format!("is {}; write {}", article(value), expected(form));
    match form {
        Form::Flag => value.as_bool().map(Value::Flag).ok_or_else(wrong),
        Form::Count { min, max } => {
            let digits = value.as_integer().ok_or_else(wrong)?;
            let number = u64::from_str_radix(digits.as_str(), digits.radix());
            match number {
                Ok(number) if (min..=max).contains(&number) => Ok(Value::Number(number)),
                _ => Err(format!("must be from {min} to {max}")),
            }
        }
        Form::List => {
            let items = value.as_array().ok_or_else(wrong)?;
            let texts = items.iter().map(|item| item.get_ref().as_str().map(str::to_owned));
            match texts.collect::<Option<Vec<_>>>() {
                Some(list) if list.iter().all(|item| !item.is_empty()) => Ok(Value::List(list)),
                _ => Err(format!("holds something else than texts; write {}", expected(form))),
            }
        }
        _ => read_text(form, value.as_str().ok_or_else(wrong)?),
    }
}

/// Reads a value that is a text in the file, in the environment and as a flag.
pub(crate) fn read_text(form: Form, text: &str) -> Result<Value, String> {
    let within = |number: u64, min: u64, max: u64| (min..=max).contains(&number);
    match form {
        Form::Address => text.parse().map(Value::Address).map_err(|e| format!("is wrong: {e}")),
        Form::Store if text == "memory" => Ok(Value::Store(None)),
        Form::Store => redis(text).map(|url| Value::Store(Some(url))),
        Form::Size { min, max } => {
            match units::parse_size(text).map_err(|e| format!("is wrong: {e}"))? {
                size if within(size, min, max) => Ok(Value::Number(size)),
                _ => Err(format!("must be from {} to {}", Size(min), Size(max))),
            }
        }
        Form::Time { min, max } => {
            let time = units::parse_duration(text).map_err(|e| format!("is wrong: {e}"))?;
            let [least, most] = [min, max].map(Duration::from_millis);
            if (least..=most).contains(&time) {
                Ok(Value::Time(time))
            } else {
                Err(format!("must be from {} to {}", Time(least), Time(most)))
            }
        }
        Form::Choice(names) if !names.contains(&text) => {
            Err(format!("is {text:?}; write one of {}", names.join(", ")))
        }
        _ if text.is_empty() => Err(format!("is empty; write {}", expected(form))),
        _ => Ok(Value::Text(text.to_owned())),
    }
}

fn redis(text: &str) -> Result<RedisUrl, String> {
    let scheme = text.split_once("://").map(|(scheme, _)| scheme);
    match scheme {
        Some(scheme) if scheme.starts_with("redis") => {
            RedisUrl::parse(text).map_err(|e| format!("is wrong: {e}"))
        }
        // A scheme is letters; anything else may be a part of a password.
        Some(name)
            if name.len() <= 20 && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') =>
        {
            Err(format!(
                "is wrong: the scheme {name:?} is unknown; write {}",
                expected(Form::Store)
            ))
        }
        _ => Err(format!("is wrong; write {}", expected(Form::Store))),
    }
}

/// What a form is written like.
pub(crate) fn expected(form: Form) -> &'static str {
    match form {
        Form::Address => "an address such as \"127.0.0.1:50051\" or \"unix:/run/masker.sock\"",
        Form::Store => {
            "\"memory\", \"redis://HOST:PORT\", \"redis+sentinel://HOST,HOST/PRIMARY\", \"redis+cluster://HOST,HOST\", or rediss for TLS"
        }
        Form::File | Form::KeyFile => "the path of a file, in quotes",
        Form::Flag => "true or false",
        Form::Choice(_) | Form::Text => "a text, in quotes",
        Form::Count { .. } => "a whole number",
        Form::Size { .. } => "a size such as \"32MiB\"",
        Form::Time { .. } => "a duration such as \"30s\"",
        Form::List => "a list of texts such as [\"a\", \"b\"]",
        Form::Rows(_) => "an array of tables, each under a [[name]] of its own",
    }
}

fn article(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// Where a spanned part of the file begins, as a line from 1.
pub(crate) fn line_of<T>(text: &str, part: &Spanned<T>) -> usize {
    line_at(text, part.span().start)
}

pub(crate) fn line_at(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|&byte| byte == b'\n').count() + 1
}
