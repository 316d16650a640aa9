//! Commands as a shell reads them.

/// No more commands of one text are looked at, and no more words of one.
const COMMANDS: usize = 64;
const WORDS: usize = 128;
/// Shells in shells: `ssh host "bash -c '…'"`.
const DEPTH: usize = 3;
/// What stands before a command.
const BEFORE: [&[u8]; 16] = [
    b"sudo", b"time", b"command", b"exec", b"env", b"then", b"do", b"if", b"else", b"while",
    b"until", b"!", b"nohup", b"watch", b"{", b"eval",
];
/// Programs that run a command in one of their words.
const SHELLS: [&[u8]; 7] = [b"bash", b"sh", b"zsh", b"ssh", b"eval", b"timeout", b"xargs"];

pub(super) type Words = Vec<Vec<u8>>;

/// The simple commands of a text, word by word, without quotes, assignments and redirections.
pub(super) fn commands(text: &[u8]) -> Vec<Words> {
    let mut all = Vec::new();
    read(text, DEPTH, &mut all);
    all
}

fn read(text: &[u8], depth: usize, all: &mut Vec<Words>) {
    let mut reader = Reader::default();
    let mut at = 0;
    while let Some(rest @ [_, ..]) = text.get(at..) {
        at += reader.step(rest);
    }
    reader.end();
    for words in reader.commands {
        let words = without_lead(words);
        let shell = words.first().is_some_and(|program| SHELLS.contains(&program.as_slice()));
        if shell && depth > 0 {
            let inner = words.iter().filter(|word| word.contains(&b' '));
            inner.for_each(|word| read(word, depth - 1, all));
        }
        if all.len() < COMMANDS && !words.is_empty() {
            all.push(words);
        }
    }
}

/// Without what stands before the program.
fn without_lead(words: Words) -> Words {
    let lead = |word: &Vec<u8>| BEFORE.contains(&word.as_slice()) || is_assignment(word);
    words.into_iter().skip_while(lead).collect()
}

fn is_assignment(word: &[u8]) -> bool {
    let name = word.split(|b| *b == b'=').next().unwrap_or_default();
    name.len() < word.len()
        && name.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_')
        && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_')
}

#[derive(Default)]
struct Reader {
    commands: Vec<Words>,
    words: Words,
    word: Option<Vec<u8>>,
    quote: Option<u8>,
    /// The quotes around each `$(`.
    outer: Vec<Option<u8>>,
    /// The next word is a file.
    redirected: bool,
}

impl Reader {
    /// Reads what the text begins with, and gives how long it is.
    fn step(&mut self, rest: &[u8]) -> usize {
        match (self.quote, rest) {
            (None | Some(b'"'), [b'$', b'(', b'(', ..]) => return self.add(rest, 3),
            (None | Some(b'"'), [b'$', b'(', ..]) => {
                self.end();
                self.outer.push(self.quote.take());
                return 2;
            }
            (Some(b'\''), [b'\'', ..]) | (Some(b'"'), [b'"', ..]) => self.quote = None,
            (Some(b'"'), [b'\\', b, ..]) if b"\"\\$`".contains(b) => return self.escaped(*b),
            (Some(_), _) => return self.add(rest, 1),
            (None, [b'\\', b'\n', ..]) => self.end_word(),
            (None, [b'\\', b, ..]) => return self.escaped(*b),
            (None, [quote @ (b'"' | b'\''), ..]) => {
                self.quote = Some(*quote);
                self.word.get_or_insert_default();
            }
            (None, [b' ' | b'\t' | b'\r', ..]) => self.end_word(),
            (None, [b')', ..]) => {
                self.end();
                self.quote = self.outer.pop().flatten();
            }
            (None, [b'>' | b'<', ..]) => {
                // `2>` is no word.
                self.word.take_if(|word| word.iter().all(u8::is_ascii_digit));
                self.end_word();
                self.redirected = true;
                return if rest.get(1) == Some(&b'&') { 2 } else { 1 };
            }
            (None, [b'#', ..]) if self.word.is_none() => {
                return rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
            }
            (None, [b'\n' | b';' | b'|' | b'&' | b'(' | b'`', ..]) => self.end(),
            _ => return self.add(rest, 1),
        }
        if matches!(rest, [b'\\', b'\n', ..]) { 2 } else { 1 }
    }

    fn add(&mut self, rest: &[u8], len: usize) -> usize {
        self.word.get_or_insert_default().extend(rest.iter().take(len));
        len
    }

    fn escaped(&mut self, byte: u8) -> usize {
        self.word.get_or_insert_default().push(byte);
        2
    }

    fn end_word(&mut self) {
        if let Some(word) = self.word.take()
            && !std::mem::take(&mut self.redirected)
            && self.words.len() < WORDS
        {
            self.words.push(word);
        }
    }

    /// A command ends.
    fn end(&mut self) {
        self.end_word();
        self.redirected = false;
        let words = std::mem::take(&mut self.words);
        if !words.is_empty() && self.commands.len() < COMMANDS {
            self.commands.push(words);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let join = |words: &Words| String::from_utf8(words.join(&b'_')).unwrap();
        commands(text.as_bytes()).iter().map(join).collect()
    }

    #[test]
    fn commands_are_read_as_a_shell_does() {
        for (text, expected) in [
            ("aws s3 ls", vec!["aws_s3_ls"]),
            (
                "cd x && A=1 B=\"c d\" sudo aws s3 ls | head -3; ls",
                vec!["cd_x", "aws_s3_ls", "head_-3", "ls"],
            ),
            ("aws a b --query 'x[?y==`z`].w' 2>/dev/null", vec!["aws_a_b_--query_x[?y==`z`].w"]),
            (
                "aws a b \\\n  --output text > out.txt # c; d\nls",
                vec!["aws_a_b_--output_text", "ls"],
            ),
            ("X=$(aws a b --name \"$N\"); echo \"$X\"", vec!["aws_a_b_--name_$N", "echo_$X"]),
            ("echo \"is $(aws a b) ok\" x", vec!["echo_is ", "aws_a_b", " ok_x"]),
            (r#"echo a\ b "c\"d" 'e"f' g\"#, vec![r#"echo_a b_c"d_e"f_g\"#]),
            ("bash -lc 'aws s3 ls; ls'", vec!["aws_s3_ls", "ls", "bash_-lc_aws s3 ls; ls"]),
            ("for i in a b; do aws s3 ls; done", vec!["for_i_in_a_b", "aws_s3_ls", "done"]),
            ("x 2>&1 | y >&2", vec!["x", "y"]),
            ("", vec![]),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
        assert_eq!(shown(&"a;".repeat(1000)).len(), COMMANDS);
    }
}
