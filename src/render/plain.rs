//! The text part of a letter: the same events, written for people who read plain text.
//!
//! May not know templates or mail. Lines aren't wrapped: every reader wraps them to its own width.

use pulldown_cmark::{Event, Tag, TagEnd};

/// The plain text of these events.
pub(super) fn text(events: &[Event<'_>]) -> String {
    let mut plain = Plain::default();
    for event in events {
        plain.take(event);
    }
    let mut text = plain.out;
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

#[derive(Default)]
struct Plain {
    out: String,
    /// Whether something stands on the current line.
    line_open: bool,
    /// Whether a blank line comes before the next block.
    gap: bool,
    /// What every line begins with, from the outermost block in.
    margins: Vec<Margin>,
    /// The next number of each list that is open; `None` for bullets.
    lists: Vec<Option<u64>>,
    /// Target of each link that is open, and where its words begin.
    links: Vec<(String, usize)>,
    in_code: bool,
}

struct Margin {
    /// Once, on the first line.
    first: Option<String>,
    /// On every other line.
    rest: String,
    /// Whether a line has begun with it.
    used: bool,
}

impl Plain {
    fn take(&mut self, event: &Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(*tag),
            Event::Text(text) | Event::Code(text) => self.words(text),
            Event::SoftBreak => self.words(" "),
            Event::HardBreak => self.line_open = false,
            Event::Rule => {
                self.gap = true;
                self.words("* * *");
                self.end_block();
            }
            // Never made without the options that turn them on, or replaced before.
            Event::Html(_)
            | Event::InlineHtml(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::FootnoteReference(_)
            | Event::TaskListMarker(_) => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::BlockQuote(_) => self.margins.push(Margin {
                first: None,
                rest: "> ".to_owned(),
                used: false,
            }),
            Tag::CodeBlock(_) => {
                self.in_code = true;
                self.margins.push(Margin {
                    first: None,
                    rest: "    ".to_owned(),
                    used: false,
                });
            }
            Tag::List(number) => {
                self.line_open = false;
                self.lists.push(*number);
            }
            Tag::Item => {
                let marker = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        let marker = format!("{number}. ");
                        *number = number.saturating_add(1);
                        marker
                    }
                    _ => "- ".to_owned(),
                };
                self.line_open = false;
                self.margins.push(Margin {
                    rest: " ".repeat(marker.len()),
                    used: false,
                    first: Some(marker),
                });
            }
            Tag::Link { dest_url, .. } => {
                self.open_line();
                self.links.push((dest_url.to_string(), self.out.len()));
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph | TagEnd::Heading(_) => self.end_block(),
            TagEnd::BlockQuote(_) => {
                self.margins.pop();
                self.end_block();
            }
            TagEnd::CodeBlock => {
                self.in_code = false;
                self.margins.pop();
                self.end_block();
            }
            TagEnd::List(_) => {
                self.lists.pop();
                self.line_open = false;
                self.gap |= self.lists.is_empty();
            }
            TagEnd::Item => {
                self.margins.pop();
                self.line_open = false;
            }
            TagEnd::Link => self.close_link(),
            _ => {}
        }
    }

    fn end_block(&mut self) {
        self.line_open = false;
        self.gap = true;
    }

    fn words(&mut self, text: &str) {
        for (n, line) in text.split('\n').enumerate() {
            if n > 0 {
                self.line_open = false;
            }
            // A code block's text ends with a line break of its own.
            if !line.is_empty() || (self.in_code && n > 0 && !text.ends_with('\n')) {
                self.open_line();
                self.out.push_str(line);
            }
        }
    }

    /// `the shop (https://…)`; the address alone where the words already say it.
    fn close_link(&mut self) {
        let Some((target, begin)) = self.links.pop() else {
            return;
        };
        let shown = target.strip_prefix("mailto:").unwrap_or(&target);
        if self.out.get(begin..) != Some(shown) {
            self.out.push_str(" (");
            self.out.push_str(shown);
            self.out.push(')');
        }
    }

    /// Begins a line where none is open: the blank line before a block, then the margins.
    fn open_line(&mut self) {
        if self.line_open {
            return;
        }
        self.line_open = true;
        if !self.out.is_empty() {
            self.out.push('\n');
            if self.gap {
                let margin: String = self
                    .margins
                    .iter()
                    .take_while(|margin| margin.used)
                    .map(|margin| margin.rest.as_str())
                    .collect();
                self.out.push_str(margin.trim_end());
                self.out.push('\n');
            }
        }
        self.gap = false;
        for margin in &mut self.margins {
            margin.used = true;
            let text = margin.first.take();
            self.out.push_str(text.as_ref().unwrap_or(&margin.rest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::markdown::events;
    use super::text;

    #[test]
    fn blocks_read_well_as_plain_text() {
        let markdown = "# Hello\n\nOne *two*\nthree.\n\n- a\n- b\n  - c\n\n1. x\n\n   y\n2. z\n\n> quoted\n>\n> again\n\nBye,\\\nAnna\n\n***\n\n    code\n    more\n";
        assert_eq!(
            text(&events(markdown)),
            "Hello\n\nOne two three.\n\n- a\n- b\n  - c\n\n1. x\n\n   y\n\n2. z\n\n> quoted\n>\n> again\n\nBye,\nAnna\n\n* * *\n\n    code\n    more\n"
        );
    }

    #[test]
    fn links_show_where_they_lead() {
        assert_eq!(
            text(&events(
                "[Our shop](https://shop.example/) <https://a.example/> <anna@thorn.example>"
            )),
            "Our shop (https://shop.example/) https://a.example/ anna@thorn.example\n"
        );
    }

    #[test]
    fn other_targets_are_words() {
        let events = events(
            "[a](javascript:alert\\(1\\)) [b](/local) ![c](https://x.example/p.png) <b>d</b>",
        );
        assert_eq!(text(&events), "a b c <b>d</b>\n");
        let html = super::super::markdown::html(&events);
        assert_eq!(html, "<p>a b c &lt;b&gt;d&lt;/b&gt;</p>\n");
    }
}
