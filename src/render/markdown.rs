//! Markdown with marked values -> clean events, and from those the HTML.
//!
//! May not know templates. Raw HTML becomes text, images become their words, and links lead only
//! where the template itself says.

use pulldown_cmark::{
    CodeBlockKind, CowStr, Event, LinkType, Options, Parser, Tag, TagEnd, TextMergeStream,
};

use super::inert;

/// The events of a letter, free of marks: every text, link and block is as it may be shown.
pub(super) fn events(markdown: &str) -> Vec<Event<'_>> {
    let mut cleaner = Cleaner::default();
    TextMergeStream::new(Parser::new_ext(markdown, Options::empty()))
        .filter_map(|event| cleaner.clean(event))
        .collect()
}

/// The HTML of these events.
pub(super) fn html(events: &[Event<'_>]) -> String {
    let mut html = String::new();
    pulldown_cmark::html::push_html(&mut html, events.iter().cloned());
    html
}

#[derive(Default)]
struct Cleaner {
    /// Whether the text at hand stands inside a value.
    in_value: bool,
    /// Whether each link that is open is kept.
    links: Vec<bool>,
    /// Whether backslashes stand for themselves here: in code, and in `<https://…>`.
    verbatim: bool,
}

impl Cleaner {
    fn clean<'a>(&mut self, event: Event<'a>) -> Option<Event<'a>> {
        Some(match event {
            Event::Text(text) => Event::Text(self.show(&text, self.verbatim)),
            Event::Code(text) => Event::Code(self.show(&text, true)),
            Event::Html(text) | Event::InlineHtml(text) => Event::Text(self.show(&text, true)),
            Event::Start(Tag::HtmlBlock) => Event::Start(Tag::Paragraph),
            Event::End(TagEnd::HtmlBlock) => Event::End(TagEnd::Paragraph),
            // An image would be fetched from somewhere, and tell them that the letter was read.
            Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => return None,
            Event::Start(Tag::Link {
                link_type,
                dest_url,
                ..
            }) => return self.open_link(link_type, &dest_url),
            Event::End(TagEnd::Link) => {
                self.verbatim = false;
                if !self.links.pop().unwrap_or(false) {
                    return None;
                }
                event
            }
            // A fence's language would become a class.
            Event::Start(Tag::CodeBlock(_)) => {
                self.verbatim = true;
                Event::Start(Tag::CodeBlock(CodeBlockKind::Indented))
            }
            Event::End(TagEnd::CodeBlock) => {
                self.verbatim = false;
                event
            }
            _ => event,
        })
    }

    fn show<'a>(&mut self, text: &str, verbatim: bool) -> CowStr<'a> {
        CowStr::from(inert::unmark(text, &mut self.in_value, verbatim))
    }

    /// The link where it leads somewhere; nothing, so that its words remain, where it doesn't.
    fn open_link<'a>(&mut self, link_type: LinkType, dest: &str) -> Option<Event<'a>> {
        let target = match link_type {
            LinkType::Email => inert::link_target(&format!("mailto:{dest}")),
            LinkType::Autolink => inert::link_target(&inert::without_escapes(dest)),
            _ => inert::link_target(dest),
        };
        self.verbatim = matches!(link_type, LinkType::Email | LinkType::Autolink);
        self.links.push(target.is_some());
        Some(Event::Start(Tag::Link {
            link_type: LinkType::Inline,
            dest_url: target?.into(),
            title: "".into(),
            id: "".into(),
        }))
    }
}
