//! A quick look at commands: most tell nothing, and to read one as a shell does takes longer.

/// Programs that tell something whatever their words are.
const PROGRAMS: [&[u8]; 18] = [
    b" output",
    b"wg ",
    b"openssl",
    b"pwgen",
    b"aws",
    b"jq",
    b"sam",
    b"cdk",
    b"eksctl",
    b"copilot",
    b"chalice",
    b"eb ",
    b"op ",
    b"bw ",
    b"chamber",
    b"security",
    b"gcloud",
    b"vault",
];
/// Parts of the names of all secrets and accounts, in small letters.
const NAMES: [&[u8]; 19] = [
    b"catalog",
    b"pass",
    b"pw",
    b"salt",
    b"cred",
    b"_pat",
    b"secret",
    b"secure",
    b"token",
    b"key",
    b"auth",
    b"account",
    b"acct",
    b"owner",
    b"principal",
    b"registry",
    b"payer",
    b"requester",
    b"accepter",
];

/// May this command print what is to be masked?
pub(super) fn may_tell(command: &[u8]) -> bool {
    command.windows(2).enumerate().any(|(at, pair)| may_begin(pair) && says(command, at))
}

/// Does one of the words begin here?
fn says(command: &[u8], at: usize) -> bool {
    let rest = command.get(at..).unwrap_or_default();
    let here = |word: &&[u8]| rest.get(..word.len()).is_some_and(|w| w.eq_ignore_ascii_case(word));
    PROGRAMS.iter().any(here) || NAMES.iter().any(here)
}

/// May one of the words begin with these two letters? Almost all pairs begin none.
#[inline]
fn may_begin(pair: &[u8]) -> bool {
    let [a, b] = *pair else { return false };
    BEGINNINGS.get(usize::from(a & 31)).is_some_and(|second| second >> (b & 31) & 1 == 1)
}

/// The second letters of all words, as bits, by the first: of any case.
#[expect(clippy::indexing_slicing, reason = "the compiler runs this, and checks it")]
static BEGINNINGS: [u32; 32] = {
    let mut all = [0; 32];
    let lists: [&[&[u8]]; 2] = [&PROGRAMS, &NAMES];
    let mut at = 0;
    while at < PROGRAMS.len() + NAMES.len() {
        let own = at < PROGRAMS.len();
        let word = if own { lists[0][at] } else { lists[1][at - PROGRAMS.len()] };
        all[(word[0] & 31) as usize] |= 1 << (word[1] & 31);
        at += 1;
    }
    all
};
