//! Finds the literals that candidates begin with or hold, by the words in them.
//!
//! A literal is looked up by its first word: by the four bytes from there on. A filter
//! answers for almost all words of a text that no literal begins with them, so that the
//! cost does not grow with the number of literals. Of the others eight bytes are compared
//! before a literal is read.

use crate::detect::context::password::near::{self, Word};
use crate::detect::context::password::{argument, before};
use crate::detect::context::{command, eksctl, login, outputs, rows, section};
use crate::detect::pem;

/// What a literal stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// A class begins here.
    Here(usize),
    /// A class begins where the host around it begins.
    Host(usize),
    /// A class ends here.
    Ends(usize),
    /// An ARN begins here.
    Arn,
    /// Something here is AWS's for certain.
    Aws,
    /// The name of a service follows on a command line.
    Command,
    /// The same of other tools.
    Tool,
    /// A column of eksctl's tables.
    Nodes,
    /// A row of text of AWS's command line.
    Row,
    /// What a tool puts out follows in the lines below.
    Outputs,
    /// A word that names the column of an account id, or a list of them.
    Account,
    /// The type of a resource of Terraform's follows.
    Resource,
    /// A program begins to name something.
    Called(usize),
    /// Arguments with names follow in a call.
    Keyed(usize),
    /// A variable of Terraform follows, and what it is unless it is given.
    Variable,
    /// Settings of AWS's follow.
    Section,
    /// The buckets that S3 lists follow.
    Buckets,
    /// The clusters that EKS lists follow.
    Clusters,
    /// What Cost Explorer calls an account.
    Linked,
    /// Options of curl follow, of which one may hold a password.
    Curl,
    /// Options of a program follow, of which one may hold a password.
    Login(usize),
    /// A word that says that a password follows.
    Password,
    /// The head of a column of values, or of secrets.
    Head,
    /// A word near which a secret may stand.
    Near(Word),
    /// A call begins that is given a key or a password.
    Call,
    /// The type of a parameter of Systems Manager whose value is a secret.
    Secure,
    /// The type of an object of Kubernetes that holds secrets.
    Manifest,
    /// What Terraform calls an output that is a secret.
    Sensitive,
    /// A password may end here.
    Before,
    /// A private key may begin here.
    Pem,
    /// A placeholder may begin here.
    Masked,
}

/// Beginnings of ARNs, plain and percent-encoded.
const ARNS: [&str; 3] = ["arn:aws", "arn%3Aaws", "arn%3aaws"];
/// CloudFormation, HCL, AWS's libraries, and the answers of services.
const AWS: [&str; 25] = [
    "using Amazon.",
    "aws-load-balancer-controller",
    "karpenter.",
    "@pulumi/aws",
    "pulumi_aws",
    "provider:\n  name: aws\n",
    "AWS::",
    "\"aws_",
    "boto3",
    "aws-sdk",
    "aws_sdk",
    "awssdk",
    "aws-cdk",
    "aws_cdk",
    "aws-actions/",
    "terraform-aws-modules",
    "AWSTemplateFormatVersion",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_PROFILE",
    "eksctl.io",
    "ResponseMetadata",
    "'$metadata'",
    "\"$metadata\"",
    "amazonaws.com",
];
/// Beginnings of placeholders.
const MASKED: [&str; 2] = ["AWS_", "SECRET_"];
/// How names of columns begin that hold account ids, and keys of lists of them.
const ACCOUNTS: [&str; 24] = [
    "mapAccount",
    "allowedAccount",
    "forbiddenAccount",
    "trustedAccount",
    "memberAccount",
    "targetAccount",
    "sourceAccount",
    "sharedAccount",
    "childAccount",
    "Account",
    "account",
    "ACCOUNT",
    "AWSAccount",
    "AwsAccount",
    "awsAccount",
    "LinkedAccount",
    "linkedAccount",
    "PayerAccount",
    "payerAccount",
    "UsageAccount",
    "usageAccount",
    "recipientAccount",
    "OwnerId",
    "ownerId",
];
/// The dimension of Cost Explorer.
const LINKED: &str = "LINKED_ACCOUNT";
/// Names of passwords that hold no `ssw`: `MYSQL_PWD`, and what Secrets Manager calls them.
const PASSWORDS: [&str; 12] = [
    "authentication_string",
    "requirepass",
    "masterauth",
    "_PWD",
    "_pwd",
    "SecretString",
    "secretString",
    "secret_string",
    "secret-string",
    "SECRET_STRING",
    "IDENTIFIED BY",
    "identified by",
];

/// Heads of columns of values, and of secrets, beside [`near::NAMES`].
const HEADS: [&str; 10] = [
    "value",
    "Value",
    "VALUE",
    "values",
    "Values",
    "Secret Key",
    "secret_key",
    "secretKey",
    "private_key",
    "access_key",
];
/// A type of a parameter of Systems Manager: `"Type": "SecureString", "Value": "…"`.
const SECURE: &str = "SecureString";

/// Kinds of objects of Kubernetes, in YAML and JSON.
const MANIFESTS: [&str; 4] =
    ["kind: Secret", "kind: \"Secret\"", "kind\": \"Secret", "kind\":\"Secret"];
/// `terraform output -json`: `{"sensitive": true, "value": …}`.
const SENSITIVE: [&str; 2] = ["sensitive\": true", "sensitive\":true"];

/// A literal is found by as many bytes.
const HEAD: usize = 4;
/// Words of the filter, of 64 bits.
const FILTER: usize = 1 << 10;
/// Lists of literals.
const LISTS: usize = 1 << 10;
/// The first three bytes of a head.
const THREE: u64 = 0x00ff_ffff;

/// A literal that cannot be looked up.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the literal {0:?} does not hold a word of three characters")]
pub struct NoWord(String);

#[derive(Debug)]
struct Literal {
    text: Box<[u8]>,
    /// Where its first word begins.
    word: usize,
    actions: Vec<Action>,
}

#[derive(Debug)]
pub(crate) struct Literals {
    all: Vec<Literal>,
    /// By a hash of the first three bytes: where the list begins in `heads`.
    lists: Box<[u16; LISTS + 1]>,
    /// List by list, of the first eight bytes: which are compared, their value, the literal.
    heads: Vec<(u64, u64, u16)>,
    pub filter: Heads,
}

/// A set of first four bytes that may hold more than was added.
#[derive(Clone, Debug)]
pub(crate) struct Heads<const WORDS: usize = FILTER>(Box<[u64; WORDS]>);

/// Of few literals.
pub(crate) type FewHeads = Heads<64>;

impl<const WORDS: usize> Default for Heads<WORDS> {
    fn default() -> Self {
        Self(Box::new([0; WORDS]))
    }
}

impl<const WORDS: usize> Heads<WORDS> {
    pub(crate) fn mark(&mut self, head: [u8; HEAD]) {
        let (word, bit) = Self::place(u32::from_le_bytes(head));
        if let Some(word) = self.0.get_mut(word) {
            *word |= bit;
        }
    }

    /// No word is passed over with which this begins.
    pub(crate) fn mark_name(&mut self, word: &[u8]) {
        match *word {
            [a, b, c, d, ..] => self.mark([a, b, c, d]),
            [a, b, c] => self.mark_three([a, b, c]),
            _ => self.0.fill(u64::MAX),
        }
    }

    /// No word is passed over that begins with these.
    fn mark_three(&mut self, [a, b, c]: [u8; 3]) {
        let (word, _) = Self::place(u32::from_le_bytes([a, b, c, 0]));
        if let Some(word) = self.0.get_mut(word) {
            *word = u64::MAX;
        }
    }

    pub(crate) fn clear(&mut self) {
        self.0.fill(0);
    }

    #[inline(always)]
    pub(crate) fn may_hold(&self, head: u32) -> bool {
        let (index, bit) = Self::place(head);
        self.0.get(index).is_some_and(|word| word & bit != 0)
    }

    /// The bit of the filter, by multiplicative hashing: in a word for the first three bytes.
    #[inline(always)]
    fn place(head: u32) -> (usize, u64) {
        let hash = (head << 8).wrapping_mul(MIX);
        let bit = (hash >> 16 ^ head >> 24) & 63;
        (usize::try_from(hash >> 22).unwrap_or_default() % WORDS, 1 << bit)
    }
}

/// The four bytes of the text from here on; beyond its end, zeros.
#[inline(always)]
pub(crate) fn four(text: &[u8], at: usize) -> u32 {
    let rest = text.get(at..).unwrap_or_default();
    match rest.first_chunk() {
        Some(four) => u32::from_le_bytes(*four),
        None => rest.iter().rev().fold(0, |head, &byte| head << 8 | u32::from(byte)),
    }
}

/// The eight bytes of the text from here on; beyond its end, zeros.
#[inline(always)]
pub(crate) fn eight(text: &[u8], at: usize) -> u64 {
    let rest = text.get(at..).unwrap_or_default();
    match rest.first_chunk() {
        Some(eight) => u64::from_le_bytes(*eight),
        None => rest.iter().rev().fold(0, |head, &byte| head << 8 | u64::from(byte)),
    }
}

/// A literal in a text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hit<'a> {
    pub actions: &'a [Action],
    pub start: usize,
    pub end: usize,
}

impl Literals {
    pub(crate) fn new(mut all: Vec<(String, Action)>) -> Result<Self, NoWord> {
        all.extend(ARNS.iter().map(|text| ((*text).to_owned(), Action::Arn)));
        all.extend(AWS.iter().map(|text| ((*text).to_owned(), Action::Aws)));
        all.push(("aws ".to_owned(), Action::Command));
        all.extend(command::TOOLS.iter().map(|text| ((*text).to_owned(), Action::Tool)));
        all.extend(eksctl::HEADS.iter().map(|text| ((*text).to_owned(), Action::Nodes)));
        all.extend(outputs::HEADS.iter().map(|text| ((*text).to_owned(), Action::Outputs)));
        all.extend(section::HEADS.iter().map(|text| ((*text).to_owned(), Action::Section)));
        let rows = rows::OWNED.iter().chain(&rows::NAMED);
        all.extend(rows.map(|text| ((*text).to_owned(), Action::Row)));
        all.extend(ACCOUNTS.iter().map(|text| ((*text).to_owned(), Action::Account)));
        all.push(("aws_".to_owned(), Action::Resource));
        all.push(("variable \"".to_owned(), Action::Variable));
        all.push(("variable \\\"".to_owned(), Action::Variable));
        all.push(("\"Buckets".to_owned(), Action::Buckets));
        all.push(("\"clusters\"".to_owned(), Action::Clusters));
        all.push((LINKED.to_owned(), Action::Linked));
        all.push(("curl ".to_owned(), Action::Curl));
        let programs = login::PROGRAMS.iter().enumerate();
        all.extend(programs.map(|(at, program)| (program.name.to_owned(), Action::Login(at))));
        all.extend(PASSWORDS.iter().map(|text| ((*text).to_owned(), Action::Password)));
        let heads = HEADS.iter().chain(&near::NAMES);
        all.extend(heads.map(|text| ((*text).to_owned(), Action::Head)));
        all.extend(near::words().map(|(text, word)| (text.to_owned(), Action::Near(word))));
        all.extend(argument::CALLS.iter().map(|text| ((*text).to_owned(), Action::Call)));
        all.push((SECURE.to_owned(), Action::Secure));
        all.extend(MANIFESTS.iter().map(|text| ((*text).to_owned(), Action::Manifest)));
        all.extend(SENSITIVE.iter().map(|text| ((*text).to_owned(), Action::Sensitive)));
        all.extend(before::ENDS.iter().map(|text| ((*text).to_owned(), Action::Before)));
        all.push((pem::BEGIN.to_owned(), Action::Pem));
        all.extend(MASKED.iter().map(|text| ((*text).to_owned(), Action::Masked)));
        let (lists, heads) = (Box::new([0; LISTS + 1]), Vec::new());
        let mut this = Self { all: Vec::new(), lists, heads, filter: Heads::default() };
        for (text, action) in all {
            match this.all.iter_mut().find(|known| *known.text == *text.as_bytes()) {
                Some(known) => known.actions.push(action),
                None => this.add(text, action)?,
            }
        }
        // Those of a list stay in the order in which they came.
        this.heads.sort_by_key(|&(_, head, _)| list(head));
        for (at, begin) in this.lists.iter_mut().enumerate() {
            let begins = this.heads.partition_point(|&(_, head, _)| list(head) < at);
            *begin = u16::try_from(begins).unwrap_or(u16::MAX);
        }
        Ok(this)
    }

    fn add(&mut self, text: String, action: Action) -> Result<(), NoWord> {
        let index = u16::try_from(self.all.len()).unwrap_or(u16::MAX);
        let word = text.bytes().position(|b| b.is_ascii_alphanumeric()).unwrap_or(text.len());
        let rest = text.as_bytes().get(word..).unwrap_or_default();
        match *rest {
            [a, b, c, d, ..] => self.filter.mark([a, b, c, d]),
            [a, b, c] => self.filter.mark_three([a, b, c]),
            _ => return Err(NoWord(text)),
        }
        let compared = match rest.len() {
            len @ ..8 => (1 << (8 * len)) - 1,
            _ => u64::MAX,
        };
        self.heads.push((compared, eight(rest, 0), index));
        let text = text.into_bytes().into();
        self.all.push(Literal { text, word, actions: vec![action] });
        Ok(())
    }

    /// May a literal begin with these eight bytes? In a filter of known names there are more.
    #[inline(always)]
    pub(crate) fn may_hold(&self, head: u64) -> bool {
        self.filter.may_hold(u32::try_from(head & u64::from(u32::MAX)).unwrap_or_default())
    }

    /// Calls `hit` for each literal whose first word begins here, with these eight bytes.
    pub(crate) fn at<'a>(
        &'a self,
        text: &[u8],
        word: usize,
        head: u64,
        mut hit: impl FnMut(Hit<'a>),
    ) {
        let list = list(head);
        let [first, last] = [list, list + 1].map(|at| self.lists.get(at).map_or(0, |&at| at));
        let list = self.heads.get(usize::from(first)..usize::from(last)).unwrap_or_default();
        let same = list.iter().filter(|&&(compared, other, _)| head & compared == other);
        for literal in same.filter_map(|&(.., index)| self.all.get(usize::from(index))) {
            let Some(start) = word.checked_sub(literal.word) else { continue };
            if text.get(start..).is_some_and(|rest| rest.starts_with(&literal.text)) {
                let end = start + literal.text.len();
                hit(Hit { actions: &literal.actions, start, end });
            }
        }
    }
}

/// The list of literals that begin with the same three bytes, and of some others.
fn list(head: u64) -> usize {
    let three = u32::try_from(head & THREE).unwrap_or_default();
    usize::try_from(three.wrapping_mul(MIX) >> 22).unwrap_or_default()
}

/// 2³² divided by the golden ratio.
const MIX: u32 = 0x9e37_79b1;

#[cfg(test)]
mod tests {
    use super::*;

    fn found(literals: &[&str], text: &str) -> Vec<(usize, usize)> {
        let all = literals.iter().enumerate();
        let all = all.map(|(at, text)| ((*text).to_owned(), Action::Here(at)));
        let literals = Literals::new(all.collect()).unwrap();
        let mut found = Vec::new();
        for word in 0..text.len() {
            let bytes = text.as_bytes();
            if literals.filter.may_hold(four(bytes, word)) {
                let head = eight(bytes, word);
                literals.at(bytes, word, head, |hit| found.push((hit.start, hit.end)));
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    #[test]
    fn literals_are_found_by_their_first_word() {
        assert_eq!(found(&["AKIA"], "x AKIA1 AKI"), [(2, 6)]);
        assert_eq!(found(&["eyJ", "sk-"], "eyJa sk-"), [(0, 3), (5, 8)]);
        assert_eq!(found(&["--x-s3", "-----BEGIN "], "a--x-s3 -----BEGIN X"), [(1, 7), (8, 19)]);
        assert_eq!(found(&["ghp_", "ghp_x"], "ghp_x"), [(0, 4), (0, 5)]);
        assert_eq!(found(&["/aws/"], "aws/ /aws/"), [(5, 10)]);
    }

    #[test]
    fn a_literal_needs_a_word() {
        let literal = |text: &str| vec![(text.to_owned(), Action::Arn)];
        assert_eq!(Literals::new(literal("://")).unwrap_err(), NoWord("://".into()));
        assert_eq!(Literals::new(literal("-ab")).unwrap_err(), NoWord("-ab".into()));
    }
}
