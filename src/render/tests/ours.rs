//! Our own links and words in letters, and people's words in notes to the owner.

use super::*;
use crate::model::facts::{About, Links, build_with};
use crate::render::{footer, inline, notice, quoted_lines};

/// A letter with this body, for somebody whose pages are there, or aren't.
fn letter_with(body: &str, pages: bool) -> Result<Letter, RenderError> {
    let url = |page: &str| pages.then(|| format!("https://care.example/a_b_/{page}/1f.1.5e"));
    let links = Links {
        preferences: url("p"),
        birthday: url("b"),
        opinion: url("o"),
    };
    let view = View::new(customer(Some("Ada")), TimeZone::UTC, "UTC");
    let about = About {
        links,
        ..About::default()
    };
    let facts = build_with(&view, about, &Arc::default(), now());
    let text = format!("+++\nsubject = \"Hi\"\n+++\n{body}");
    catalogue(&[("t.en.md", &text)]).letter("t", None, "en", &facts)
}

#[test]
fn a_page_of_ours_can_be_linked_to_as_nothing_else_can() {
    let body = "[Tell us]({{ links.opinion }}) or {{ links.preferences }}, <{{links.birthday}}>.\n";
    let letter = letter_with(body, true).unwrap();
    let opinion = "a href=\"https://care.example/a_b_/o/1f.1.5e\"";
    let birthday = "a href=\"https://care.example/a_b_/b/1f.1.5e\"";
    assert_eq!(
        tags(&letter.html),
        ["p", opinion, "/a", birthday, "/a", "/p"]
    );
    for url in ["o/1f.1.5e", "p/1f.1.5e", "b/1f.1.5e"] {
        let whole = format!("https://care.example/a_b_/{url}");
        assert!(letter.text.contains(&whole), "{}", letter.text);
    }
    // Put together with anything else, it is words as any other.
    let letter = letter_with("[x]({{ links.opinion ~ customer.first_name }})\n", true);
    assert_eq!(tags(&letter.unwrap().html), ["p", "/p"]);
}

#[test]
fn a_letter_may_ask_whether_there_is_a_page() {
    let asked = "{% if links.opinion %}[a]({{ links.opinion }}){% else %}reply{% endif %}\n";
    assert_eq!(letter_with(asked, false).unwrap().text, "reply\n");
    assert!(letter_with(asked, true).unwrap().text.contains("https://"));
    let error = letter_with("Hello\n\n{{ links.opinion }}\n", false).unwrap_err();
    assert_eq!(error.line, Some(6));
    assert!(error.message.contains("`[public]`"), "{error}");
    assert_eq!(error.help, None);
}

#[test]
fn the_footer_offers_fewer_letters_beside_none() {
    let letter = render("Hello\n", customer(None)).unwrap();
    let footer = Footer {
        business: "Thorn & Rose",
        unsubscribe_url: Some("https://care.example/u/1"),
        preferences_url: Some("https://care.example/p/2"),
        ..Footer::default()
    };
    let with = footer::add(&letter, &footer);
    let wanted = "Fewer letters, or other ones: https://care.example/p/2\n\
                  Unsubscribe: https://care.example/u/1\n";
    assert!(with.text.ends_with(wanted), "{}", with.text);
    assert!(
        with.html
            .contains("<a href=\"https://care.example/p/2\">Fewer letters, or other ones</a>")
    );
}

#[test]
fn what_people_write_stays_their_words_in_a_note() {
    let hostile = "# Not a heading\n1. no list\n- none\n\n<b>no</b> *no* [no](https://evil.example)\n\
                   www.evil.example &amp; `no` ![no](x)\n---\n===\n> deeper\u{202e}\n\n\n    code";
    let letter = notice(
        "Note",
        &format!("They wrote:\n\n{}\nThe end.", quoted_lines(hostile)),
        "en",
    );
    let plain = [
        "They wrote:",
        "",
        "> # Not a heading",
        "> 1. no list",
        "> - none",
        ">",
        "> <b>no</b> *no* [no](https: //evil. example)",
        "> www .evil. example &amp; `no` ![no](x)",
        "> ---",
        "> ===",
        "> > deeper",
        ">",
        "> code",
        "",
        "The end.",
    ];
    let lines: Vec<&str> = letter.text.lines().map(str::trim_end).collect();
    assert_eq!(lines, plain);
    let shown = tags(&letter.html);
    let known = ["p", "/p", "blockquote", "/blockquote", "br /"];
    assert!(shown.iter().all(|tag| known.contains(tag)), "{shown:?}");
    for text in ["2. May", "12) x", "+1", "a\nb", "*", "", "=x", "x | y"] {
        let letter = notice("Note", &inline(text), "en");
        let words = text.replace('\n', " ");
        assert_eq!(letter.text.trim_end(), words, "{text}");
        assert!(tags(&letter.html).iter().all(|tag| known.contains(tag)));
    }
}
