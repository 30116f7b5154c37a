//! Shell commands on a page, split into words as a shell does it, without expansion.

use std::iter::Peekable;
use std::str::Chars;

/// What a block of commands has.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) commands: Vec<Command>,
    /// Lines on which a comment is behind a command.
    pub(crate) comments_behind: Vec<usize>,
}

#[derive(Default)]
pub(crate) struct Command {
    /// The line of its first word.
    pub(crate) line: usize,
    pub(crate) words: Vec<String>,
}

/// Commands of a text that begins in this line. Those in `$(…)` are commands of their own; redirections and the text of
/// here-documents are left out.
pub(crate) fn parse(text: &str, line: usize) -> Script {
    let mut scanner = Scanner {
        rest: text.chars().peekable(),
        line,
        inner: Inner::default(),
        outer: Vec::new(),
        here_document: None,
        script: Script::default(),
    };
    while let Some(char) = scanner.rest.next() {
        scanner.take(char);
    }
    scanner.end_command();
    scanner.script
}

struct Scanner<'t> {
    rest: Peekable<Chars<'t>>,
    line: usize,
    inner: Inner,
    /// What `$(` interrupted.
    outer: Vec<Inner>,
    /// The word that ends the text which begins in the next line.
    here_document: Option<String>,
    script: Script,
}

/// The command that is being read.
#[derive(Default)]
struct Inner {
    command: Command,
    word: Option<String>,
    is_quoted: bool,
    /// Whether the next word is the file of a redirection.
    redirects: bool,
}

impl Scanner<'_> {
    fn take(&mut self, char: char) {
        match char {
            '\\' => self.escaped(),
            '\'' if !self.inner.is_quoted => self.single_quoted(),
            '"' => {
                self.inner.is_quoted = !self.inner.is_quoted;
                self.word();
            }
            '$' if self.rest.next_if_eq(&'(').is_some() => {
                self.word().push('$');
                self.outer.push(std::mem::take(&mut self.inner));
            }
            ')' if !self.outer.is_empty() => {
                self.end_command();
                self.inner = self.outer.pop().unwrap_or_default();
            }
            '\n' if self.inner.is_quoted => self.line += 1,
            char if self.inner.is_quoted => self.word().push(char),
            '#' if self.inner.word.is_none() => self.comment(),
            '\n' => self.end_line(),
            ';' | '|' | '&' | '(' | ')' => self.end_command(),
            '<' | '>' => self.redirection(char),
            ' ' | '\t' => self.end_word(),
            char => self.word().push(char),
        }
    }

    fn word(&mut self) -> &mut String {
        self.inner.word.get_or_insert_default()
    }

    fn escaped(&mut self) {
        match self.rest.next() {
            Some('\n') => self.line += 1,
            Some(char) => self.word().push(char),
            None => (),
        }
    }

    fn single_quoted(&mut self) {
        self.word();
        while let Some(char) = self.rest.next_if(|char| *char != '\'') {
            self.line += usize::from(char == '\n');
            self.word().push(char);
        }
        self.rest.next();
    }

    fn comment(&mut self) {
        if !self.inner.command.words.is_empty() {
            self.script.comments_behind.push(self.line);
        }
        while self.rest.next_if(|char| *char != '\n').is_some() {}
    }

    fn redirection(&mut self, char: char) {
        // A number before it is a file descriptor.
        self.inner.word.take_if(|word| word.bytes().all(|byte| byte.is_ascii_digit()));
        self.end_word();
        let is_here_document = char == '<' && self.rest.next_if_eq(&'<').is_some() && self.rest.peek() != Some(&'<');
        if is_here_document {
            let end = self.rest.clone().take_while(|char| !char.is_whitespace());
            self.here_document = Some(end.filter(|char| !matches!(char, '\'' | '"' | '-')).collect());
        }
        while self.rest.next_if(|char| matches!(char, '<' | '>' | '&' | '-')).is_some() {}
        self.inner.redirects = true;
    }

    fn end_line(&mut self) {
        self.end_command();
        self.line += 1;
        let Some(end) = self.here_document.take() else { return };
        let mut text = String::new();
        for char in self.rest.by_ref() {
            self.line += usize::from(char == '\n');
            match char {
                '\n' if text.trim() == end => return,
                '\n' => text.clear(),
                char => text.push(char),
            }
        }
    }

    fn end_word(&mut self) {
        let Some(word) = self.inner.word.take() else { return };
        if std::mem::take(&mut self.inner.redirects) {
            return;
        }
        if self.inner.command.words.is_empty() {
            self.inner.command.line = self.line;
        }
        self.inner.command.words.push(word);
    }

    fn end_command(&mut self) {
        self.end_word();
        let command = std::mem::take(&mut self.inner.command);
        if !command.words.is_empty() {
            self.script.commands.push(command);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(text: &str) -> Vec<(usize, Vec<String>)> {
        parse(text, 1).commands.into_iter().map(|it| (it.line, it.words)).collect()
    }

    fn words(text: &str) -> Vec<Vec<String>> {
        commands(text).into_iter().map(|(_, words)| words).collect()
    }

    #[test]
    fn words_are_split_as_a_shell_does_it() {
        assert_eq!(words("a 'b c' \"d e\" f\\ g"), [["a", "b c", "d e", "f g"]]);
        assert_eq!(words("a \\\n  --b x | c > d 2>&1"), [vec!["a", "--b", "x"], vec!["c"], vec!["1"]][..2]);
        assert_eq!(words("a --b \"$(c d)\" --e"), [vec!["c", "d"], vec!["a", "--b", "$", "--e"]]);
        assert_eq!(
            words("for x in 1; do a $x; done"),
            [vec!["for", "x", "in", "1"], vec!["do", "a", "$x"], vec!["done"]]
        );
    }

    #[test]
    fn here_documents_are_no_commands_and_lines_are_counted() {
        let text = "cat > f <<'END'\n[x] # \"it's\n  END\nls\n\"two\nlines\" x\nend";
        assert_eq!(
            commands(text),
            [
                (1, vec!["cat".to_owned()]),
                (4, vec!["ls".to_owned()]),
                (6, vec!["twolines".to_owned(), "x".to_owned()]),
                (7, vec!["end".to_owned()])
            ]
        );
    }

    #[test]
    fn comments_behind_commands_are_found() {
        let script = parse("# alone\nls # behind\nls '# quoted' a#b\n  # alone\nx | y # behind", 1);
        assert_eq!(script.comments_behind, [2, 5]);
        assert_eq!(script.commands[0].words, ["ls"]);
    }
}
