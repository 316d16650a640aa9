//! What a query of AWS's command line (JMESPath) or a filter of jq picks, by the last names in it.

use crate::detect::context::bytes::ends_with;
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
    /// It is a value, and the member is the name that stands beside it:
    /// `environment[?name=='DB_PASSWORD'].value`.
    pub beside: bool,
}

/// No more values are read.
const PICKED: usize = 32;
/// Parentheses in parentheses.
const DEPTH: usize = 4;
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
/// `environment[?name=='DB_PASSWORD'].value`, `Tags[?Key=='Name'].Value`.
pub(super) fn picked(query: &[u8]) -> Vec<Picked> {
    let mut all = members(query);
    if let [one] = all.as_mut_slice()
        && !one.beside
        && one.member.eq_ignore_ascii_case(sibling::VALUE)
        && let Some((_, name)) = filtered(query)
    {
        (one.member, one.beside) = (name.to_vec(), true);
    }
    all
}

/// What a filter compares last, if that is a member, and with what, if that is a name.
fn filtered(query: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr::memmem::rfind(query, b"==")?;
    let quote = |b: &u8| b" \"'`\\".contains(b);
    let head = query.get(..at)?;
    let head = head.get(..head.iter().rposition(|b| !quote(b))? + 1)?;
    let of_name = |b: &&u8| b.is_ascii_alphanumeric() || **b == b'_';
    let key = head.get(head.len() - head.iter().rev().take_while(of_name).count()..)?;
    let rest = query.get(at + 2..)?;
    let rest = rest.get(rest.iter().take_while(|b| quote(b)).count()..)?;
    let name = rest.get(..rest.iter().position(quote)?)?;
    (!name.is_empty()).then_some((key, name))
}

fn members(query: &[u8]) -> Vec<Picked> {
    let interpolated = interpolated(query).into_iter().map(without_inner);
    let interpolated: Vec<_> = interpolated.filter_map(|one| value(&one)).take(PICKED).collect();
    if !interpolated.is_empty() {
        return interpolated;
    }
    let query = without_inner(query);
    let last = last_part(&query);
    let Some((of, items)) = many(last) else { return value(last).into_iter().collect() };
    let of = last_name(of).map(|(name, _)| name.to_vec()).unwrap_or_default();
    let items = apart(items, b',').map(item).take(PICKED);
    items
        .map(|item| match item {
            Picked { beside: false, .. } if item.of.is_empty() => Picked { of: of.clone(), ..item },
            item => item,
        })
        .collect()
}

fn is_neutral(part: &[u8]) -> bool {
    let name = part.strip_prefix(b".").unwrap_or(part);
    let index = name.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]"));
    index.is_some_and(|inner| is_index(inner) || is_filter(inner)) || NEUTRAL.contains(&part)
}

/// What stands between brackets that pick nothing by name.
fn is_index(inner: &[u8]) -> bool {
    inner.iter().all(|b| b.is_ascii_digit() || b"*:- ".contains(b))
}

/// What is left of a filter between its brackets: `?Key=Name`.
fn is_filter(inner: &[u8]) -> bool {
    inner.starts_with(b"?") && !inner.contains(&b']')
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
fn interpolated(query: &[u8]) -> Vec<&[u8]> {
    let mut all = Vec::new();
    let mut rest = query;
    while let Some(at) = memchr::memmem::find(rest, b"\\(").filter(|_| all.len() < PICKED) {
        rest = rest.get(at + 2..).unwrap_or_default();
        let mut depth = 1_u32;
        let len = rest.iter().position(|byte| {
            match byte {
                b'(' => depth += 1,
                b')' => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        let (one, behind) = rest.split_at(len.unwrap_or(rest.len()));
        all.push(one);
        rest = behind;
    }
    all
}

/// The last part between pipes that changes values, without parentheses around it.
fn last_part(query: &[u8]) -> &[u8] {
    let mut last = query.trim_ascii();
    for _ in 0..DEPTH {
        let mut parts: Vec<&[u8]> = apart(last, b'|').map(<[u8]>::trim_ascii).collect();
        while parts.len() > 1 && parts.last().is_some_and(|part| is_neutral(part)) {
            parts.pop();
        }
        last = parts.last().copied().unwrap_or_default();
        match last.strip_prefix(b"(").and_then(|inner| inner.strip_suffix(b")")) {
            Some(inner) => last = inner.trim_ascii(),
            None => break,
        }
    }
    last
}

/// Without literals, and without what functions are given and filters hold (`[?…]`): of a filter
/// that compares a member with a name, these are left, `[?Key=Name]`.
fn without_inner(query: &[u8]) -> Vec<u8> {
    let mut rest = query.iter().copied().enumerate().peekable();
    let (mut out, mut depth, mut quote) = (Vec::new(), 0_u32, None);
    // Where a filter begins, and the parentheses that are open: whether they only group.
    let (mut filter, mut open) = (None, Vec::new());
    while let Some((at, byte)) = rest.next() {
        match byte {
            _ if quote == Some(byte) => quote = None,
            _ if quote.is_some() => {}
            b'`' => quote = Some(byte),
            b'(' if depth == 0 => {
                // The name of a function is none of a value.
                let of_name = |b: &&u8| b.is_ascii_alphanumeric() || **b == b'_';
                let name = out.len() - out.iter().rev().take_while(of_name).count();
                let function = out.get(name..).unwrap_or_default();
                let group = function.is_empty();
                let kept = group || OF_ARGUMENT.contains(&function);
                filter = (function == b"select").then_some(at);
                depth = u32::from(!kept);
                out.truncate(name);
                // What is grouped is one value, whatever signs stand in it.
                out.extend(group.then_some(byte));
                open.extend(kept.then_some(group));
            }
            b'(' => depth += 1,
            b')' if depth == 0 => out.extend(open.pop().filter(|group| *group).map(|_| byte)),
            b'[' if depth == 0 && rest.peek().is_some_and(|(_, next)| *next == b'?') => {
                (depth, filter) = (1, Some(at));
            }
            b'[' if depth > 0 => depth += 1,
            b')' | b']' if depth > 0 => {
                depth -= 1;
                let inner = filter.filter(|_| depth == 0).and_then(|from| query.get(from..at));
                if let Some((key, name)) = inner.and_then(filtered) {
                    out.extend([b"[?", key, b"=", name, b"]"].concat());
                }
            }
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
    let items = query.get(from + 1..query.len() - 1)?;
    if is_index(items) || is_filter(items) {
        return None;
    }
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
    let unnamed = || Picked { alias: None, member: Vec::new(), of: Vec::new(), beside: false };
    Picked { alias, ..value(item).unwrap_or_else(unnamed) }
}

fn value(query: &[u8]) -> Option<Picked> {
    let (member, before) = last_name(last_part(query))?;
    let of = last_name(before).map(|(name, _)| name).unwrap_or_default().to_vec();
    let value = ends_with(member, sibling::VALUE);
    let name = if value { compared(query) } else { None };
    let (member, beside) = (name.unwrap_or(member).to_vec(), name.is_some());
    Some(Picked { alias: None, member, of, beside })
}

/// The name that stands beside a value: `Name` of `Tags[?Key=Name].Value`.
fn compared(query: &[u8]) -> Option<&[u8]> {
    let at = memchr::memmem::rfind(query, b"[?")?;
    let inner = query.get(at + 2..)?;
    let inner = inner.get(..memchr::memchr(b']', inner)?)?;
    let (key, name) = inner.split_at(memchr::memchr(b'=', inner)?);
    let names = sibling::NAMES.iter().any(|ending| ends_with(key, ending));
    names.then(|| name.get(1..)).flatten()
}

/// The last name, and what stands before it.
fn last_name(query: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut rest = query.trim_ascii_end();
    loop {
        rest = match rest {
            [head @ .., b'"' | b'\'' | b'?' | b'}' | b' ' | b'.' | b')'] => head,
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
            let sign = if picked.beside { "@" } else { "" };
            alias.unwrap_or_default() + &of.unwrap_or_default() + sign + &text(&picked.member)
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
                "Name=@Name Id=Instances.InstanceId",
            ),
            (
                "Instances[].[InstanceId,Tags[?Key=='Name'].Value | [0]]",
                "Instances.InstanceId Tags.@Name",
            ),
            ("Instances[].Tags[?Key=='Name'].Value", "Tags.@Name"),
            ("Outputs[?OutputKey=='BucketName'].OutputValue|[0]", "Outputs.@BucketName"),
            ("Instances[?State=='x'].[InstanceId]", "Instances.InstanceId"),
            ("Instances[?State=='x']", "Instances"),
            (
                "Tags[?Key=='aws:cloudformation:stack-name'].Value",
                "Tags.@aws:cloudformation:stack-name",
            ),
            (
                ".Instances[]|[.InstanceId, (.Tags[]|select(.Key==\"Name\").Value)]|@tsv",
                "InstanceId @Name",
            ),
            (".Tags|map(select(.Key==\"Name\"))|.[0].Value", "@Name"),
            (r#"\"\(.InstanceId) \(.Tags[]|select(.Key=="Name")|.Value)\""#, "InstanceId @Name"),
            (".Users|map({n:.UserName})|.[]", "n=UserName"),
            (".Users[]|select(.Path==\"/x\")", "Users"),
            ("not_null(Tags[?Key=='Name'].Value|[0])", "Tags.@Name"),
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
            ("a[].environment[?name=='DB_PASSWORD'].value", "environment.@DB_PASSWORD"),
            ("a[?name==`DB_HOST`].value | [0]", "a.@DB_HOST"),
            (".environment[] | select(.name==\"DB_PASSWORD\") | .value", "@DB_PASSWORD"),
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
