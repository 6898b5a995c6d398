//! The user's query: where `:since` stands in it, outside of quotes, comments and casts, and that
//! it is one statement that reads.
//!
//! May not change anything else of it.

use super::address::Engine;

/// What stands for the mark in a query.
const SINCE: &str = "since";
/// Words that a query that reads can begin with.
const READING: [&str; 4] = ["select", "with", "values", "table"];

/// A query, taken apart at its `:since`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Query {
    /// What stands before, between and behind them.
    pieces: Vec<String>,
}

impl Query {
    /// Finds every `:since`.
    ///
    /// # Errors
    /// A sentence that says why it can't be run, and what to write.
    pub(super) fn parse(text: &str, engine: Engine) -> Result<Self, String> {
        let mut scan = Scan {
            chars: text.chars().collect(),
            at: 0,
            engine,
            pieces: vec![String::new()],
            first: None,
        };
        scan.run()?;
        let first = scan.first.unwrap_or_default().to_lowercase();
        if !first.is_empty() && !READING.contains(&first.as_str()) {
            return Err(format!(
                "it begins with `{first}`, and a source is only ever read; begin it with `select` \
                 or `with`"
            ));
        }
        Ok(Self {
            pieces: scan.pieces,
        })
    }

    /// Whether it reads only what is new.
    pub(super) fn has_since(&self) -> bool {
        self.pieces.len() > 1
    }

    /// How often `:since` stands in it.
    pub(super) fn count(&self) -> usize {
        self.pieces.len().saturating_sub(1)
    }

    /// The text to send, with this in place of each `:since`.
    pub(super) fn text(&self, mark: &str) -> String {
        self.pieces.join(mark)
    }

    /// Line and column (from 1, in characters) in the user's text of a place (from 1) in
    /// `text(mark)`.
    pub(super) fn place(&self, mark: &str, at: usize) -> (usize, usize) {
        let mut left = at.saturating_sub(1);
        let mut written = String::new();
        for (n, piece) in self.pieces.iter().enumerate() {
            if n > 0 {
                let length = mark.chars().count();
                written.push(':');
                if left < length {
                    break;
                }
                written.push_str(SINCE);
                left -= length;
            }
            let length = piece.chars().count();
            if left < length {
                written.extend(piece.chars().take(left + 1));
                break;
            }
            written.push_str(piece);
            left -= length;
        }
        let line = written.matches('\n').count() + 1;
        let column = written.rsplit('\n').next().unwrap_or("").chars().count();
        (line, column.max(1))
    }
}

struct Scan {
    chars: Vec<char>,
    at: usize,
    engine: Engine,
    pieces: Vec<String>,
    /// The query's first word.
    first: Option<String>,
}

impl Scan {
    fn look(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn before(&self) -> Option<char> {
        let at = self.at.checked_sub(1)?;
        self.chars.get(at).copied()
    }

    fn keep(&mut self, count: usize) {
        for _ in 0..count {
            let Some(c) = self.look(0) else { return };
            if let Some(piece) = self.pieces.last_mut() {
                piece.push(c);
            }
            self.at += 1;
        }
    }

    fn run(&mut self) -> Result<(), String> {
        while let Some(c) = self.look(0) {
            match (c, self.look(1)) {
                ('\'', _) => self.quoted('\'', self.escapes()),
                ('"', _) => self.quoted('"', self.engine == Engine::MySql),
                ('`', _) if self.engine != Engine::Postgres => self.quoted('`', false),
                ('[', _) if self.engine == Engine::Sqlite => self.until("]"),
                ('-', Some('-')) if self.is_comment() => self.until("\n"),
                ('#', _) if self.engine == Engine::MySql => self.until("\n"),
                ('/', Some('*')) => self.comment(),
                ('$', _) if self.engine == Engine::Postgres => self.dollar()?,
                (':', Some(':')) => self.keep(2),
                (':', Some(next)) if word(next) => self.named()?,
                ('?', _) if self.engine != Engine::Postgres => return Err(only_since("?")),
                (';', _) => return self.ended(),
                _ if word(c) => self.word(),
                _ => self.keep(1),
            }
        }
        Ok(())
    }

    /// Whether a backslash keeps a quote from ending the text that begins here.
    fn escapes(&self) -> bool {
        match self.engine {
            Engine::MySql => true,
            Engine::Sqlite => false,
            Engine::Postgres => {
                let two = self.at.checked_sub(2).and_then(|at| self.chars.get(at));
                matches!(self.before(), Some('e' | 'E')) && !two.is_some_and(|c| word(*c))
            }
        }
    }

    /// In MySQL `5--3` is a sum.
    fn is_comment(&self) -> bool {
        let blank = |c: char| c.is_whitespace() || c.is_control();
        self.engine != Engine::MySql || self.look(2).is_none_or(blank)
    }

    fn quoted(&mut self, quote: char, escapes: bool) {
        self.keep(1);
        while let Some(c) = self.look(0) {
            if c == '\\' && escapes {
                self.keep(2);
            } else if c == quote {
                self.keep(1);
                // A quote written twice stands for itself.
                if self.look(0) != Some(quote) {
                    return;
                }
                self.keep(1);
            } else {
                self.keep(1);
            }
        }
    }

    fn starts_with(&self, text: &str) -> bool {
        let rest = self.chars.get(self.at..).unwrap_or_default();
        let mut rest = rest.iter();
        text.chars().all(|c| rest.next() == Some(&c))
    }

    /// Keeps everything up to and with this text, or the end.
    fn until(&mut self, end: &str) {
        self.keep(1);
        while self.look(0).is_some() && !self.starts_with(end) {
            self.keep(1);
        }
        self.keep(end.chars().count());
    }

    fn comment(&mut self) {
        self.keep(2);
        let mut depth = 1;
        while depth > 0 && self.look(0).is_some() {
            if self.starts_with("*/") {
                depth -= 1;
                self.keep(2);
            } else if self.starts_with("/*") && self.engine == Engine::Postgres {
                depth += 1;
                self.keep(2);
            } else {
                self.keep(1);
            }
        }
    }

    /// `$$text$$` or `$tag$text$tag$`.
    fn dollar(&mut self) -> Result<(), String> {
        if self.before().is_some_and(word) {
            self.keep(1);
            return Ok(());
        }
        let rest = self.chars.get(self.at + 1..).unwrap_or_default();
        let tag: String = rest.iter().take_while(|c| word(**c)).collect();
        let closed = rest.get(tag.chars().count()) == Some(&'$');
        let digit = tag.starts_with(|c: char| c.is_ascii_digit());
        if digit {
            return Err(only_since(&format!("${tag}")));
        }
        if !closed {
            self.keep(1);
            return Ok(());
        }
        let end = format!("${tag}$");
        self.keep(end.chars().count());
        while self.look(0).is_some() && !self.starts_with(&end) {
            self.keep(1);
        }
        self.keep(end.chars().count());
        Ok(())
    }

    fn named(&mut self) -> Result<(), String> {
        // The bounds of a part of an array: `days[1:n]`.
        if self.engine == Engine::Postgres
            && self
                .before()
                .is_some_and(|c| word(c) || c == ']' || c == ')')
        {
            self.keep(1);
            return Ok(());
        }
        let rest = self.chars.get(self.at + 1..).unwrap_or_default();
        let name: String = rest.iter().take_while(|c| word(**c)).collect();
        if name != SINCE {
            return Err(only_since(&format!(":{name}")));
        }
        self.at += 1 + name.chars().count();
        self.pieces.push(String::new());
        Ok(())
    }

    fn word(&mut self) {
        let start = self.at;
        while self.look(0).is_some_and(word) {
            self.keep(1);
        }
        if self.first.is_none() {
            let first = self.chars.get(start..self.at).unwrap_or_default();
            self.first = Some(first.iter().collect());
        }
    }

    /// Behind the last statement there may be blanks and comments.
    fn ended(&mut self) -> Result<(), String> {
        self.at += 1;
        while let Some(c) = self.look(0) {
            let comment = self.starts_with("--") || self.starts_with("/*");
            if comment && self.starts_with("--") {
                while self.look(0).is_some_and(|c| c != '\n') {
                    self.at += 1;
                }
            } else if comment {
                while self.look(0).is_some() && !self.starts_with("*/") {
                    self.at += 1;
                }
                self.at += 2;
            } else if c.is_whitespace() || c == ';' {
                self.at += 1;
            } else {
                return Err(
                    "it holds more than one statement; leave only the one that reads".to_owned(),
                );
            }
        }
        Ok(())
    }
}

const fn is_ascii_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn word(c: char) -> bool {
    is_ascii_word(c) || (!c.is_ascii() && c.is_alphanumeric())
}

fn only_since(found: &str) -> String {
    format!("nothing can be filled in for `{found}`; only `:since` can stand for a value")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(text: &str, engine: Engine) -> String {
        Query::parse(text, engine).unwrap().text("$1")
    }

    #[test]
    fn since_is_found_outside_of_quotes_comments_and_casts() {
        let text = "select ':since', \":since\", e'\\':since', $$:since$$, $a$ :since $$ $a$ \
                    -- :since\n /* :since /* :since */ */ from t where a::date > :since::date \
                    and b[1:since] = 1 and c >:since";
        let query = Query::parse(text, Engine::Postgres).unwrap();
        assert_eq!(query.count(), 2);
        assert!(query.text("$1").contains("a::date > $1::date"));
        assert!(query.text("$1").ends_with("c >$1"));
        assert_eq!(query.text(":since"), text);
    }

    #[test]
    fn each_database_has_quotes_of_its_own() {
        let tricky = "select 'a\\' and x > :since -- '";
        assert_eq!(
            sent(tricky, Engine::Sqlite),
            "select 'a\\' and x > $1 -- '",
            "a backslash is a letter like any other"
        );
        assert_eq!(sent(tricky, Engine::MySql), tricky, "a quote is escaped");
        let text = "select `:since`, 5--:since\n from t # :since";
        assert_eq!(
            sent(text, Engine::MySql),
            "select `:since`, 5--$1\n from t # :since"
        );
        assert_eq!(
            sent("select [:since] from t where a > :since", Engine::Sqlite),
            "select [:since] from t where a > $1"
        );
    }

    #[test]
    fn only_one_statement_that_reads_is_run() {
        for good in [
            "select 1;",
            "  -- first\n (select 1) union (select 2) ; -- done\n",
            "WITH a AS (SELECT 1) SELECT * FROM a;\n/* x */",
            "table t",
        ] {
            assert!(Query::parse(good, Engine::Postgres).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("select 1; drop table t", "more than one statement"),
            ("delete from t", "begins with `delete`"),
            ("/* select */ update t set a = 1", "begins with `update`"),
            ("select :sinse", "`:sinse`"),
            ("select $1", "`$1`"),
        ] {
            let said = Query::parse(bad, Engine::Postgres).unwrap_err();
            assert!(said.contains(why), "{bad}: {said}");
        }
        let said = Query::parse("select ?", Engine::MySql).unwrap_err();
        assert!(said.contains("`?`"), "{said}");
    }

    #[test]
    fn a_place_in_what_was_sent_is_found_in_what_was_written() {
        let text = "select *\nfrom t where a > :since and\n nonsense";
        let query = Query::parse(text, Engine::Postgres).unwrap();
        let sent = query.text("$1");
        let at = sent.find("nonsense").unwrap() + 1;
        assert_eq!(query.place("$1", at), (3, 2));
        assert_eq!(query.place("$1", sent.find("from").unwrap() + 1), (2, 1));
        assert_eq!(query.place("$1", sent.find("$1").unwrap() + 1), (2, 18));
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_written_is_sent_as_it_was_written(
            text in "(select )?[ -~\n]{0,60}(:since)?['\"`$;-]{0,3}[ -~]{0,20}"
        ) {
            for engine in [Engine::Postgres, Engine::MySql, Engine::Sqlite] {
                if let Ok(query) = Query::parse(&text, engine) {
                    let sent = query.text(":since");
                    assert!(text.starts_with(&sent), "{sent}");
                    for at in 0..sent.len() + 2 {
                        query.place("$1", at);
                    }
                }
            }
        }
    }
}
