//! Commands as a shell reads them, and where what they print goes.

/// No more commands of one text are looked at, and no more words of one.
const COMMANDS: usize = 64;
const WORDS: usize = 128;
/// No more brackets are open at a time.
const OPEN: usize = 16;

pub(super) type Words = Vec<Vec<u8>>;

/// One program with its words, without quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Command {
    pub words: Words,
    /// Its output goes to a file.
    pub hidden: bool,
    /// The command whose output it reads, by its place.
    pub from: Option<usize>,
    pub into: Into,
}

/// Where the output of a command goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Into {
    #[default]
    Answer,
    /// `NAME=$(…)`, `for NAME in $(…)`
    Variable(Vec<u8>),
    /// `psql "$(…)"`
    Word,
}

/// The simple commands of a text.
pub(super) fn commands(text: &[u8]) -> Vec<Command> {
    let mut reader = Reader::default();
    let mut at = 0;
    while let Some(rest @ [_, ..]) = text.get(at..) {
        at += reader.step(rest);
    }
    reader.end();
    while reader.close() {
        reader.end();
    }
    reader.commands
}

/// What is read on one level of brackets.
#[derive(Default)]
struct Level {
    words: Words,
    word: Option<Vec<u8>>,
    quote: Option<u8>,
    /// The next word is a file.
    redirected: bool,
    hidden: bool,
    from: Option<usize>,
    into: Into,
    /// Between backticks.
    tick: bool,
}

#[derive(Default)]
struct Reader {
    commands: Vec<Command>,
    level: Level,
    outer: Vec<Level>,
    /// The last lines of here-documents that begin behind this line.
    here: Vec<Vec<u8>>,
}

impl Reader {
    /// Reads what the text begins with, and gives how long it is.
    fn step(&mut self, rest: &[u8]) -> usize {
        // These mean nothing to a shell.
        let plain = |b: &&u8| b.is_ascii_alphanumeric() || b"-_./".contains(b);
        let len = rest.iter().take_while(plain).count();
        if len > 0 {
            return self.add(rest, len);
        }
        match (self.level.quote, rest) {
            (None | Some(b'"'), [b'$', b'(', b'(', ..]) => self.add(rest, 3),
            (None | Some(b'"'), [b'$', b'(', ..]) => self.open(self.captured(), false, 2),
            (None | Some(b'"'), [b'`', ..]) if self.level.tick => self.closed(),
            (None | Some(b'"'), [b'`', ..]) => self.open(self.captured(), true, 1),
            (Some(b'\''), [b'\'', ..]) | (Some(b'"'), [b'"', ..]) => {
                self.level.quote = None;
                1
            }
            (Some(b'"'), [b'\\', b, ..]) if b"\"\\$`".contains(b) => self.escaped(*b),
            (Some(_), _) => self.add(rest, 1),
            (None, _) => self.bare(rest),
        }
    }

    /// The same outside of quotes.
    fn bare(&mut self, rest: &[u8]) -> usize {
        match rest {
            [b'\\', b'\n', ..] => return 2,
            [b'\\', b, ..] => return self.escaped(*b),
            [b'$', quote @ b'\'', ..] => {
                self.level.quote = Some(*quote);
                return 2;
            }
            [quote @ (b'"' | b'\''), ..] => {
                self.level.quote = Some(*quote);
                self.level.word.get_or_insert_default();
            }
            [b' ' | b'\t' | b'\r', ..] => self.end_word(),
            [b'(', ..] => return self.open(self.level.into.clone(), false, 1),
            [b')', ..] => return self.closed(),
            [b'<', b'<', next, ..] if *next != b'<' => return self.here(rest),
            [b'>' | b'<', ..] => return self.redirect(rest),
            [b'&', b'>', ..] => {
                self.end_word();
                self.level.hidden = true;
                self.level.redirected = true;
                return 2;
            }
            [b'#', ..] if self.level.word.is_none() => {
                return rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
            }
            [b'|', b'|', ..] => {
                self.end();
                return 2;
            }
            [b'|', next, ..] => {
                self.level.from = self.end();
                return 1 + usize::from(*next == b'&');
            }
            [b'\n', ..] => {
                self.end();
                return 1 + self.skip_here(rest.get(1..).unwrap_or_default());
            }
            [b';' | b'&', ..] => {
                self.end();
            }
            _ => return self.add(rest, 1),
        }
        1
    }

    fn add(&mut self, rest: &[u8], len: usize) -> usize {
        self.level.word.get_or_insert_default().extend(rest.iter().take(len));
        len
    }

    fn escaped(&mut self, byte: u8) -> usize {
        self.level.word.get_or_insert_default().push(byte);
        2
    }

    /// Where the output of `$(…)` at this place goes.
    fn captured(&self) -> Into {
        let Level { words, word, .. } = &self.level;
        let assigned = word.as_deref().and_then(|word| word.strip_suffix(b"="));
        let speaks = |word: &[u8]| word == b"echo" || word == b"printf";
        match (assigned, words.as_slice()) {
            (_, [first, ..]) if speaks(first) => self.level.into.clone(),
            (Some(name), _) => Into::Variable(name.to_vec()),
            (None, [first, name, ..]) if first == b"for" => Into::Variable(name.clone()),
            _ => Into::Word,
        }
    }

    /// A bracket or a backtick opens.
    fn open(&mut self, into: Into, tick: bool, len: usize) -> usize {
        if self.outer.len() < OPEN {
            let inner = Level { into, tick, ..Level::default() };
            self.outer.push(std::mem::replace(&mut self.level, inner));
        }
        len
    }

    fn closed(&mut self) -> usize {
        self.end();
        self.close();
        1
    }

    /// Back to the level outside, if there is one.
    fn close(&mut self) -> bool {
        let outer = self.outer.pop();
        let is = outer.is_some();
        self.level = outer.unwrap_or_default();
        is
    }

    fn redirect(&mut self, rest: &[u8]) -> usize {
        let number = self.level.word.take_if(|word| word.iter().all(u8::is_ascii_digit));
        self.end_word();
        let len = rest.iter().take_while(|b| **b == b'>' || **b == b'<').count();
        // `2>&1` leaves it where it goes.
        if rest.get(len) == Some(&b'&') {
            return rest.len().min(len + 2);
        }
        self.level.hidden |= rest.first() == Some(&b'>') && number.is_none_or(|word| word == b"1");
        self.level.redirected = true;
        len
    }

    /// `<<EOF`, `<<-'EOF'`
    fn here(&mut self, rest: &[u8]) -> usize {
        self.end_word();
        let lead = 2 + rest.iter().skip(2).take_while(|b| b"- \t".contains(b)).count();
        let of_word = |b: &&u8| b.is_ascii_alphanumeric() || b"_\"'\\".contains(b);
        let word: Vec<u8> = rest.iter().skip(lead).take_while(of_word).copied().collect();
        let len = lead + word.len();
        self.here.push(word.into_iter().filter(|b| !b"\"'\\".contains(b)).collect());
        len
    }

    /// How long the here-documents are that begin here.
    fn skip_here(&mut self, rest: &[u8]) -> usize {
        let mut len = 0;
        for last in std::mem::take(&mut self.here) {
            let body = rest.get(len..).unwrap_or_default();
            for line in body.split_inclusive(|b| *b == b'\n') {
                len += line.len();
                if line.trim_ascii() == last {
                    break;
                }
            }
        }
        len
    }

    fn end_word(&mut self) {
        let level = &mut self.level;
        if let Some(word) = level.word.take()
            && !std::mem::take(&mut level.redirected)
            && level.words.len() < WORDS
        {
            level.words.push(word);
        }
    }

    /// A command ends; gives its place.
    fn end(&mut self) -> Option<usize> {
        self.end_word();
        let Level { words, hidden, from, into, redirected, .. } = &mut self.level;
        *redirected = false;
        let command = Command {
            words: std::mem::take(words),
            hidden: std::mem::take(hidden),
            from: from.take(),
            into: into.clone(),
        };
        if command.words.is_empty() || self.commands.len() == COMMANDS {
            return None;
        }
        self.commands.push(command);
        Some(self.commands.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let show = |command: &Command| {
            let from = command.from.map(|from| format!("{from}|")).unwrap_or_default();
            let words = String::from_utf8(command.words.join(&b'_')).unwrap();
            let into = match &command.into {
                Into::Answer if command.hidden => ">".to_owned(),
                Into::Answer => String::new(),
                Into::Variable(name) => format!(">${}", String::from_utf8_lossy(name)),
                Into::Word => ">word".to_owned(),
            };
            from + &words + &into
        };
        commands(text.as_bytes()).iter().map(show).collect()
    }

    #[test]
    fn commands_are_read_as_a_shell_does() {
        for (text, expected) in [
            ("aws s3 ls", vec!["aws_s3_ls"]),
            (
                "cd x && A=1 aws s3 ls | head -3; ls",
                vec!["cd_x", "A=1_aws_s3_ls", "1|head_-3", "ls"],
            ),
            (
                "aws a --query 'x[?y==`z`].w' 2>/dev/null || x",
                vec!["aws_a_--query_x[?y==`z`].w", "x"],
            ),
            (
                "aws a \\\n  --out\\\nput text > out.txt # c; d\nls",
                vec!["aws_a_--output_text>", "ls"],
            ),
            ("X=$(aws a --name \"$N\"); echo \"$X\"", vec!["aws_a_--name_$N>$X", "X=", "echo_$X"]),
            ("echo \"is $(aws a b) ok\" x", vec!["aws_a_b", "echo_is  ok_x"]),
            ("aws a --region $(cat r) -q", vec!["cat_r>word", "aws_a_--region_-q"]),
            (
                "for i in `aws a`; do echo $i; done",
                vec!["aws_a>$i", "for_i_in", "do_echo_$i", "done"],
            ),
            ("echo \"`aws a`\" \"$( (cd a); aws b)\"", vec!["aws_a", "cd_a", "aws_b", "echo__"]),
            (r#"echo a\ b "c\"d" 'e"f' g\"#, vec![r#"echo_a b_c"d_e"f_g\"#]),
            ("(aws a; ls) 2>&1 | y >&2", vec!["aws_a", "ls", "y"]),
            ("a &> x; b 2> y; c 1> z; d >> w", vec!["a>", "b", "c>", "d>"]),
            ("cat <<'EOF' > x\nit's\nEOF\naws a", vec!["cat>", "aws_a"]),
            ("x=$'a b'; aws a <<< y", vec!["x=a b", "aws_a"]),
            ("a $(b", vec!["b>word", "a"]),
            (")) `", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
        assert_eq!(commands("a;".repeat(1000).as_bytes()).len(), COMMANDS);
        assert!(commands("$(".repeat(1000).as_bytes()).is_empty());
    }
}
