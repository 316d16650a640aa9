//! Values that no provider may see, and how to look for them.

use crate::provider::Seen;

/// Each is found by its shape or by what stands around it in [`prose`].
pub(crate) const VALUES: [&str; 14] = [
    "i-0abc123def4567890",
    "vpc-0f1e2d3c4b5a69788",
    "sg-0123456789abcdef0",
    "AKIAQ3EGRYZ7T2LM5XWB",
    "482913746502",
    "payments-deployer-7",
    "acme-payroll-exports-2026",
    "10.24.113.7",
    "kX9vQ2mL8pR4tW7yB1nD6fH3jK5sZ0aC/eG+uI9o",
    "vol-0a9b8c7d6e5f40312",
    "Teal-Egret!94",
    "Md5Salmon!44x",
    "593726104815",
    "acme-ledger-raw-eu7",
];

/// A text with all of them, as a person would write it.
pub(crate) fn prose() -> String {
    format!(
        "Please check {} in {} behind {} (address {}).\n\
         The role arn:aws:iam::{}:role/{} reads arn:aws:s3:::{}/in/*.\n\
         aws_access_key_id = {}\naws_secret_access_key = {}\n\
         \u{1b}[01;31m\u{1b}[K{}\u{1b}[m\u{1b}[K is colored.\n\
         - name: POSTGRES_PASSWORD\n  value: {}\n\
         CREATE USER x PASSWORD '{}';\n\
         AccountId,Name\n{},prod\n\
         aws_s3_bucket.raw: Refreshing state... [id={}]\nThat is all; thanks.",
        VALUES[0],
        VALUES[1],
        VALUES[2],
        VALUES[7],
        VALUES[4],
        VALUES[5],
        VALUES[6],
        VALUES[3],
        VALUES[8],
        VALUES[9],
        VALUES[10],
        VALUES[11],
        VALUES[12],
        VALUES[13],
    )
}

/// The value of a header that the provider saw.
pub(crate) fn header<'s>(seen: &'s Seen, name: &str) -> Option<&'s str> {
    seen.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// The first planted value in some bytes.
pub(crate) fn find(bytes: &[u8]) -> Option<&'static str> {
    VALUES.into_iter().find(|value| memchr::memmem::find(bytes, value.as_bytes()).is_some())
}

/// Fails when a request of the provider holds a planted value anywhere.
#[track_caller]
pub(crate) fn assert_unseen(requests: &[Seen]) {
    for seen in requests {
        assert_eq!(find(&seen.body), None, "in the body of {}", seen.path);
        assert_eq!(find(seen.path.as_bytes()), None, "in a path");
        for (name, value) in &seen.headers {
            assert_eq!(find(value.as_bytes()), None, "in the header {name}");
        }
    }
}
