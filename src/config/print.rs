//! The default configuration as a commented file.

use crate::config::options::Form;
use crate::config::options::Given;
use crate::config::options::OPTIONS;
use crate::config::options::OVERRIDES;
use crate::config::options::Opt;
use crate::config::units::Size;
use crate::config::units::Time;

const HEAD: &str = "\
Masker's configuration. Each option stands here with its default; an option
that is not set by default stands behind a '#', with an example.

A flag wins over the environment, the environment over this file.
Sizes are whole numbers of B, KiB, MiB or GiB, durations of ms, s, m, h or d.
Paths are relative to the directory that masker is started in.
`masker check` names everything that is wrong with a configuration.";

const WIDTH: usize = 78;

/// All options with their documentation, as TOML.
#[must_use]
pub fn default_file() -> String {
    let mut out = String::new();
    for line in HEAD.lines() {
        comment(&mut out, line);
    }
    let mut section = "";
    for opt in OPTIONS {
        let (of, name) = opt.key.rsplit_once('.').unwrap_or(("", opt.key));
        // Arrays of tables have headers of their own.
        if of != section && !of.is_empty() {
            section = of;
            out.push_str(&format!("\n[{section}]\n"));
        }
        option(&mut out, opt, name);
    }
    out
}

fn option(out: &mut String, opt: &Opt, name: &str) {
    out.push('\n');
    wrap(out, opt.doc);
    wrap(out, &limits(opt.form));
    if let Some(over) = OVERRIDES.iter().find(|over| over.key == opt.key) {
        comment(out, &format!("Flag {}, environment {}.", over.flag, over.env));
    }
    match (opt.form, opt.given) {
        (Form::Rows(fields), _) => {
            for field in fields {
                wrap(out, &format!("{}: {}", field.key, field.doc));
            }
            out.push_str(&format!("# [[{name}]]\n"));
            for field in fields {
                let (Given::Unset(text) | Given::Maybe(text) | Given::Default(text)) = field.given;
                out.push_str(&format!("# {} = {text}\n", field.key));
            }
        }
        (_, Given::Default(text)) => out.push_str(&format!("{name} = {text}\n")),
        (_, Given::Unset(text) | Given::Maybe(text)) => {
            out.push_str(&format!("# {name} = {text}\n"))
        }
    }
}

pub(super) fn limits(form: Form) -> String {
    let time = |millis| Time(std::time::Duration::from_millis(millis));
    match form {
        Form::Count { min, max } => format!("From {min} to {max}."),
        Form::Size { min, max } => format!("From {} to {}.", Size(min), Size(max)),
        Form::Time { min, max } => format!("From {} to {}.", time(min), time(max)),
        Form::Choice(names) => format!("One of {}.", names.join(", ")),
        _ => String::new(),
    }
}

fn wrap(out: &mut String, text: &str) {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && line.len() + 1 + word.len() > WIDTH {
            comment(out, &line);
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        comment(out, &line);
    }
}

fn comment(out: &mut String, line: &str) {
    out.push_str(format!("# {line}").trim_end());
    out.push('\n');
}
