//! A quick look at commands: most tell nothing, and to read one as a shell does takes longer.

/// Programs that tell something whatever their words are.
const PROGRAMS: [&[u8]; 14] = [
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
const NAMES: [&[u8]; 18] = [
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
    let small = command.to_ascii_lowercase();
    let says = |word: &&[u8]| memchr::memmem::find(&small, word).is_some();
    PROGRAMS.iter().any(says) || NAMES.iter().any(says)
}
