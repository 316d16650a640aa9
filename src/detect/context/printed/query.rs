//! What a query of AWS's command line (JMESPath) or a filter of jq picks, by the last names in it.

use crate::detect::context::sibling;

/// A value that is picked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Picked {
    /// What it is called in the answer: `{Id: InstanceId}`.
    pub alias: Option<Vec<u8>>,
    /// What it is called by the service.
    pub member: Vec<u8>,
    /// What it is a member of, if the query says so.
    pub of: Vec<u8>,
}

/// No more values are read.
const PICKED: usize = 32;
/// What comes behind a pipe and changes no value.
const NEUTRAL: [&[u8]; 15] = [
    b"",
    b".",
    b"@tsv",
    b"@csv",
    b"sort",
    b"unique",
    b"first",
    b"last",
    b"reverse",
    b"select",
    b"tostring",
    b"flatten",
    b"fromjson",
    b"join",
    b"to_entries",
];
/// Functions that give what stands between their parentheses.
const OF_ARGUMENT: [&[u8]; 7] =
    [b"sort", b"reverse", b"map", b"to_array", b"not_null", b"unique", b"values"];

/// The values that are picked, in their order. What is filtered by its name has that name:
/// `environment[?name=='DB_PASSWORD'].value`.
pub(super) fn picked(query: &[u8]) -> Vec<Picked> {
    let mut all = members(query);
    if let [one] = all.as_mut_slice()
        && one.member.eq_ignore_ascii_case(sibling::VALUE)
        && let Some(name) = filtered(query)
    {
        one.member = name.to_vec();
    }
    all
}

/// What a filter compares with last, if that is a name.
fn filtered(query: &[u8]) -> Option<&[u8]> {
    let at = memchr::memmem::rfind(query, b"==")?;
    let rest = query.get(at + 2..)?;
    let quote = |b: &u8| b" \"'`\\".contains(b);
    let rest = rest.get(rest.iter().take_while(|b| quote(b)).count()..)?;
    let name = rest.get(..rest.iter().position(quote)?)?;
    (!name.is_empty()).then_some(name)
}

fn members(query: &[u8]) -> Vec<Picked> {
    let interpolated: Vec<_> = interpolated(query).filter_map(value).take(PICKED).collect();
    if !interpolated.is_empty() {
        return interpolated;
    }
    let query = without_inner(query);
    let mut parts: Vec<&[u8]> = apart(&query, b'|').map(<[u8]>::trim_ascii).collect();
    while parts.len() > 1 && parts.last().is_some_and(|part| is_neutral(part)) {
        parts.pop();
    }
    let last = parts.last().copied().unwrap_or_default();
    let Some((of, items)) = many(last) else { return value(last).into_iter().collect() };
    let of = last_name(of).map(|(name, _)| name.to_vec()).unwrap_or_default();
    let items = apart(items, b',').map(item).take(PICKED);
    items
        .map(|item| if item.of.is_empty() { Picked { of: of.clone(), ..item } } else { item })
        .collect()
}

fn is_neutral(part: &[u8]) -> bool {
    let name = part.strip_prefix(b".").unwrap_or(part);
    let index = name.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]"));
    index.is_some_and(is_index) || NEUTRAL.contains(&part)
}

/// What stands between brackets that pick nothing by name.
fn is_index(inner: &[u8]) -> bool {
    inner.iter().all(|b| b.is_ascii_digit() || b"*:- ".contains(b))
}

/// The parts between signs that stand in no brackets.
fn apart(query: &[u8], sign: u8) -> impl Iterator<Item = &[u8]> {
    let mut depth = 0_u32;
    query.split(move |&byte| {
        match byte {
            b'[' | b'{' | b'(' => depth += 1,
            b']' | b'}' | b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        byte == sign && depth == 0
    })
}

/// `\(.Name) \(.Id)` in a text of jq's.
fn interpolated(query: &[u8]) -> impl Iterator<Item = &[u8]> {
    let parts = query.split(|b| *b == b'\\').skip(1);
    let opened = parts.filter_map(|part| part.strip_prefix(b"("));
    opened.filter_map(|part| part.split(|b| *b == b')').next())
}

/// Without filters (`[?…]`), literals, and what functions are given.
fn without_inner(query: &[u8]) -> Vec<u8> {
    let mut rest = query.iter().copied().peekable();
    let (mut out, mut depth, mut quote) = (Vec::new(), 0_u32, None);
    while let Some(byte) = rest.next() {
        match byte {
            _ if quote == Some(byte) => quote = None,
            _ if quote.is_some() => {}
            b'`' => quote = Some(byte),
            b'(' if depth == 0 => {
                // The name of a function is none of a value.
                let of_name = |b: &&u8| b.is_ascii_alphanumeric() || **b == b'_';
                let name = out.len() - out.iter().rev().take_while(of_name).count();
                depth = u32::from(!OF_ARGUMENT.contains(&out.get(name..).unwrap_or_default()));
                out.truncate(name);
            }
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            b'[' if depth > 0 || rest.peek() == Some(&b'?') => depth += 1,
            b']' if depth > 0 => depth -= 1,
            _ if depth > 0 => {}
            _ => out.push(byte),
        }
    }
    out
}

/// What stands before `[A, B]` or `{a: A, b: B}` at the end, and their items.
fn many(query: &[u8]) -> Option<(&[u8], &[u8])> {
    let (open, close) = match query.last()? {
        b']' => (b'[', b']'),
        b'}' => (b'{', b'}'),
        _ => return None,
    };
    let mut depth = 0_u32;
    let from = query.iter().rposition(|&byte| {
        depth = match byte {
            _ if byte == close => depth + 1,
            _ if byte == open => depth.saturating_sub(1),
            _ => depth,
        };
        depth == 0
    })?;
    let items = query.get(from + 1..query.len() - 1).filter(|items| !is_index(items))?;
    Some((query.get(..from)?, items))
}

fn item(item: &[u8]) -> Picked {
    let colon = apart(item, b':').next().map(<[u8]>::len).filter(|len| *len < item.len());
    let named = colon.and_then(|colon| {
        let (alias, _) = last_name(item.get(..colon)?)?;
        Some((alias.to_vec(), item.get(colon + 1..)?))
    });
    let (alias, item) = named.map_or((None, item), |(alias, item)| (Some(alias), item));
    // What has no name has its place.
    let unnamed = || Picked { alias: None, member: Vec::new(), of: Vec::new() };
    Picked { alias, ..value(item).unwrap_or_else(unnamed) }
}

fn value(query: &[u8]) -> Option<Picked> {
    let mut parts: Vec<&[u8]> = apart(query, b'|').map(<[u8]>::trim_ascii).collect();
    while parts.len() > 1 && parts.last().is_some_and(|part| is_neutral(part)) {
        parts.pop();
    }
    let (member, before) = last_name(parts.last()?)?;
    let of = last_name(before).map(|(name, _)| name).unwrap_or_default();
    Some(Picked { alias: None, member: member.to_vec(), of: of.to_vec() })
}

/// The last name, and what stands before it.
fn last_name(query: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut rest = query.trim_ascii_end();
    loop {
        rest = match rest {
            [head @ .., b'"' | b'\'' | b'?' | b'}' | b' ' | b'.'] => head,
            [head @ .., b']'] => {
                let from = head.iter().rposition(|b| *b == b'[')?;
                head.get(..from)?
            }
            _ => break,
        };
    }
    let of_name = |b: &&u8| b.is_ascii_alphanumeric() || b"_-".contains(b);
    let len = rest.iter().rev().take_while(of_name).count();
    let (before, name) = rest.split_at_checked(rest.len() - len)?;
    (!name.is_empty()).then_some((name, before))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(query: &str) -> String {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let one = |picked: Picked| {
            let of = Some(text(&picked.of)).filter(|of| !of.is_empty()).map(|of| of + ".");
            let alias = picked.alias.map(|alias| text(&alias) + "=");
            alias.unwrap_or_default() + &of.unwrap_or_default() + &text(&picked.member)
        };
        picked(query.as_bytes()).into_iter().map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_last_names_are_what_is_picked() {
        for (query, expected) in [
            ("Account", "Account"),
            ("TableNames[]", "TableNames"),
            ("sort(TableNames)", "TableNames"),
            ("Functions[*].FunctionName", "Functions.FunctionName"),
            ("Buckets[?contains(Name, 'x')].Name | [0]", "Buckets.Name"),
            (
                "Buckets[?starts_with(Name, `a,b`)].[Name,CreationDate]",
                "Buckets.Name Buckets.CreationDate",
            ),
            ("sort_by(Images, &CreationDate)[-1].ImageId", "ImageId"),
            (
                "Reservations[].Instances[].{Name:Tags[?Key==`Name`]|[0].Value, \"Id\":InstanceId}",
                "Name=Instances.Value Id=Instances.InstanceId",
            ),
            ("DBInstances[0].Endpoint.Address", "Endpoint.Address"),
            ("clusters", "clusters"),
            ("length(Functions)", ""),
            ("A[].[B, length(C), D]", "A.B A. A.D"),
            (".Functions[] | .FunctionName", "FunctionName"),
            (
                ".Functions[]|select(.Runtime==\"x\")|[.FunctionName,.Runtime]|@tsv",
                "FunctionName Runtime",
            ),
            (".Roles[] | {name: .RoleName, arn: .Arn}", "name=RoleName arn=Arn"),
            (r#".Users[] | "\(.UserName)\t\(.UserId)""#, "UserName UserId"),
            (".Parameter.Value", "Parameter.Value"),
            ("a[].environment[?name=='DB_PASSWORD'].value", "environment.DB_PASSWORD"),
            ("a[?name==`DB_HOST`].value | [0]", "a.DB_HOST"),
            (".environment[] | select(.name==\"DB_PASSWORD\") | .value", "DB_PASSWORD"),
            ("a[?name=='DB_PASSWORD'].type", "a.type"),
            ("a[?b==c].value", "a.value"),
            (".SecretString | fromjson | .password", "password"),
            (".TableNames[]?", "TableNames"),
            (".TableNames|join(\" \")", "TableNames"),
            (".", ""),
            ("[0]", ""),
            ("", ""),
        ] {
            assert_eq!(shown(query), expected, "{query}");
        }
        assert_eq!(picked(format!("[{}]", "a,".repeat(1000)).as_bytes()).len(), PICKED);
    }
}
