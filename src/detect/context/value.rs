//! What a key of AWS's may hold: a name, and neither code nor a word of AWS's own.

use std::ops::Range;

use crate::detect::arn::is_owned;
use crate::detect::boundary::any_placeholder;
use crate::detect::classes::{is_given, is_literal, is_managed, is_region};
use crate::detect::context::bytes::begins_like;

const LENGTHS: std::ops::RangeInclusive<usize> = 2..=128;
/// How moments begin: `2024-02-01T09:00:00+00:00`.
const MOMENT: &[u8] = b"0000-00-00T00:00:";
/// Words that stand for a value: types, empty values, and what documentation writes.
const WORDS: [&[u8]; 23] = [
    b"string",
    b"str",
    b"number",
    b"integer",
    b"int",
    b"boolean",
    b"bool",
    b"object",
    b"array",
    b"list",
    b"any",
    b"unknown",
    b"null",
    b"none",
    b"nil",
    b"undefined",
    b"true",
    b"false",
    b"required",
    b"optional",
    b"value",
    b"all",
    // The user of every registry: `docker login --username AWS`.
    b"aws",
];
/// Users that programs and images come with.
const USERS: [&[u8]; 18] = [
    b"admin",
    b"administrator",
    b"centos",
    b"debian",
    b"docker",
    b"ec2-user",
    b"fedora",
    b"git",
    b"guest",
    b"jenkins",
    b"mysql",
    b"nobody",
    b"postgres",
    b"rdsadmin",
    b"root",
    b"ssm-user",
    b"ubuntu",
    b"user",
];
/// What profiles of the command line are called everywhere, in small letters.
const PROFILES: [&[u8]; 34] = [
    b"admin",
    b"administrator",
    b"audit",
    b"base",
    b"ci",
    b"default",
    b"dev",
    b"development",
    b"local",
    b"localstack",
    b"main",
    b"management",
    b"master",
    b"minio",
    b"personal",
    b"prod",
    b"production",
    b"profile",
    b"qa",
    b"readonly",
    b"root",
    b"saml",
    b"sandbox",
    b"security",
    b"shared",
    b"sso",
    b"stage",
    b"staging",
    b"terraform",
    b"test",
    b"uat",
    b"user",
    b"work",
    b"os",
];
/// What belongs to the names of a type, of AWS or of a place.
const STARTS: [&[u8]; 6] = [b"arn:", b"aws:", b"AWS::", b"/aws/", b"aws/", b"alias/aws/"];

/// What goes on instead of a name: `DBInstance was not found`.
const VERBS: [&[u8]; 5] = [b"is", b"was", b"are", b"could", b"can"];

/// What a description begins with, and a name does not.
const PROSE: [&[u8]; 5] = [b"The ", b"A ", b"An ", b"This ", b"Name "];

/// The characters of names.
pub(super) fn run(text: &[u8], from: usize) -> Range<usize> {
    run_of(text, from, b"-_./:@+=#$")
}

/// The same, where names may hold spaces.
pub(super) fn run_spaced(text: &[u8], from: usize) -> Range<usize> {
    let rest = text.get(from..).unwrap_or_default();
    if PROSE.iter().any(|start| rest.starts_with(start)) {
        return run(text, from);
    }
    run_of(text, from, b"-_./:@+=#$ ()&")
}

fn run_of(text: &[u8], from: usize, signs: &[u8]) -> Range<usize> {
    let rest = text.get(from..).unwrap_or_default();
    let of_name = |b: &&u8| b.is_ascii_alphanumeric() || signs.contains(b);
    let len = rest.iter().take(*LENGTHS.end() + 1).take_while(of_name).count();
    from..from + len
}

/// The part of this value that is a name, if it is one.
pub(super) fn name(text: &[u8], span: Range<usize>, key: &[u8]) -> Option<Range<usize>> {
    let value = text.get(span.clone())?;
    let letters = value.iter().any(u8::is_ascii_alphabetic);
    let own = STARTS.iter().any(|start| value.starts_with(start));
    let word = WORDS.iter().any(|word| value.eq_ignore_ascii_case(word));
    let zone = value.split_last().is_some_and(|(_, region)| is_region(region));
    let uri = value.windows(3).any(|three| three == b"://");
    let of_aws = || is_region(value) || is_owned(value) || is_managed(value) || is_given(value);
    if !(LENGTHS.contains(&value.len()) && letters && is_literal(value))
        || (own || word || zone || uri || of_aws() || is_action(value) || is_moment(value))
        || any_placeholder(value)
        || is_word_of(&super::names::plain(key), value)
    {
        return None;
    }
    // As in an ARN, what stands before the name of an alias stays.
    let from = if value.starts_with(b"alias/") { span.start + 6 } else { span.start };
    let value = text.get(from..span.end)?;
    let outer = |b: &&u8| !b.is_ascii_alphanumeric();
    let (skip, drop) =
        (value.iter().take_while(outer).count(), value.iter().rev().take_while(outer).count());
    Some(from + skip..span.end - drop)
}

/// Is this a word that such a key has everywhere: itself, `username = "postgres"`,
/// `CONTAINER_NAME: api`?
fn is_word_of(key: &[u8], value: &[u8]) -> bool {
    let user = || USERS.iter().any(|user| value.eq_ignore_ascii_case(user));
    super::names::plain(value) == key
        || (key.ends_with(b"username") && user())
        || (key.ends_with(b"containername") && !is_distinct(value))
}

/// `2024-02-01T09:00:00+00:00`
pub(super) fn is_moment(value: &[u8]) -> bool {
    begins_like(value, MOMENT)
}

/// `s3:GetObject`: an action of IAM.
fn is_action(value: &[u8]) -> bool {
    let service = value.iter().take_while(|b| b.is_ascii_lowercase() || b"-0123456789".contains(b));
    let (service, verb) = value.split_at(service.count());
    let of_verb = |b: &u8| b.is_ascii_alphanumeric() || *b == b'*';
    let [b':', first, rest @ ..] = verb else { return false };
    !service.is_empty() && first.is_ascii_uppercase() && rest.iter().all(of_verb)
}

/// May this be a name, from its first character to its last? Manuals write `role-name`.
pub(crate) fn is_name(value: &[u8]) -> bool {
    let stands_for_one = value.ends_with(b"-name") || value.ends_with(b"_name");
    !stands_for_one
        && !VERBS.contains(&value)
        && name(value, 0..value.len(), b"") == Some(0..value.len())
}

/// May this be a profile of the command line that tells whose it is?
pub(crate) fn is_profile(value: &[u8]) -> bool {
    let common = PROFILES.iter().any(|word| value.eq_ignore_ascii_case(word));
    // A member of a program.
    is_name(value) && !common && !value.starts_with(b"os.") && !value.starts_with(b"process.")
}

/// Is this name so strong that it is masked where it stands alone? Words are not.
pub(crate) fn is_distinct(name: &[u8]) -> bool {
    let inner = name.get(1..).unwrap_or_default();
    let sign = |b: &u8| b.is_ascii_digit() || b"-_.".contains(b);
    inner.iter().any(sign)
        || (inner.iter().any(u8::is_ascii_uppercase) && inner.iter().any(u8::is_ascii_lowercase))
}
