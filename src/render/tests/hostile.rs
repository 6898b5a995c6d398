//! Records of people who mean no good.

use super::*;

/// What a mail program would make a link of though it says neither `http` nor `www`.
fn bare_domain(text: &str) -> Option<&str> {
    let mut words = text.split_whitespace().filter(|word| !word.contains('@'));
    words.find(|word| {
        let signs: Vec<char> = word.chars().collect();
        signs.windows(4).any(|part| {
            let [before, stop, one, two] = part else {
                return false;
            };
            let is_label = one.is_alphabetic() && two.is_alphabetic();
            before.is_alphanumeric() && *stop == '.' && is_label
        })
    })
}

/// Words a hostile customer might type into a shop's form.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<String>(),
        prop::sample::select(vec![
            "[x](http://evil.example)",
            "<http://evil.example>",
            "http://evil.example",
            "www.evil.example",
            "claim.evil.example",
            "<script>alert(1)</script>",
            "<b>",
            "</p>",
            "<!--",
            "&lt;b&gt;",
            "&#60;",
            "![i](http://evil.example/i.png)",
            "**b**",
            "_i_",
            "`c`",
            "```",
            "~~~",
            "# h",
            "- l",
            "1. n",
            "> q",
            "---",
            "===",
            "\\",
            "|",
            "$$",
            "[r]: http://evil.example",
            "[r]",
            "\r\nBcc: evil@evil.example\r\n\r\nbody",
            "\n\n",
            "\r",
            "\0",
            "\u{85}",
            "\u{2028}",
            "\u{202E}",
            "\u{2066}",
            "\u{FEFF}",
            "\u{200B}",
            "\u{FDD0}",
            "\u{FDD1}",
            "{{ customer.email }}",
            "{% raw %}",
            "{#",
            "\"",
            "'",
            "<",
            ">",
            "(",
            ")",
            "@",
            ",",
            ";",
            ":",
            "evil@evil.example",
            "=?utf-8?q?=0D=0ABcc:_evil?=",
            "\t    ",
            ".com\r\n.\r\n",
            "--",
            "x".repeat(300).leak(),
            "é",
            "🌹",
            "\u{1F3F4}",
            "a\u{301}",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

const TRAPS: &str = "+++\nsubject = \"Hi {{ customer.first_name | default('you') }}\"\n+++\nDear {{ customer.first_name | default(\"friend\") }},\n\n{{ customer.first_name | default(\"x\") }}\n{{ customer.last_name | default(\"x\") }}\n\n- {{ customer.first_name | default(\"x\") }}\n\n**{{ customer.last_name | default(\"x\") }}** and *{{ customer.first_name | default(\"x\") }}{{ customer.last_name | default(\"x\") }}*\n\n`{{ customer.last_name | default(\"x\") }}`\n\n[{{ customer.first_name | default(\"x\") }}](https://thorn.example/?q={{ event.id }}) \\{{ customer.first_name | default(\"x\") }}\n\n    {{ customer.last_name | default(\"x\") }}\n";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn records_never_become_markup_links_or_headers(first in hostile(), last in hostile()) {
        let catalogue = catalogue(&[("t.en.md", TRAPS)]);
        let mut customer = customer(Some(&first));
        customer.last_name = Some(last.clone());
        let letter = catalogue.letter("t", None, "en", &facts(customer)).unwrap();

        for tag in tags(&letter.html) {
            let name = tag.trim_start_matches('/').split([' ', '\n']).next().unwrap();
            prop_assert!(["p", "ul", "li", "strong", "em", "code", "pre", "a", "br"].contains(&name), "<{}>", tag);
            if let Some(attrs) = tag.strip_prefix("a ") {
                prop_assert_eq!(attrs, "href=\"https://thorn.example/?q=4711\"");
            } else {
                prop_assert!(!tag.contains('='), "<{}>", tag);
            }
        }
        prop_assert!(!letter.html.contains("http://"));
        prop_assert!(!letter.text.contains("http://"));
        for text in [&letter.text, &letter.subject] {
            let theirs = text.replace("https://thorn.example/?q=4711", "");
            prop_assert_eq!(bare_domain(&theirs), None, "{}", text);
        }
        for text in [&letter.text, &letter.html, &letter.subject] {
            prop_assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
            let tricks = ['\u{202E}', '\u{2066}', '\u{FDD0}', '\u{FDD1}', '\u{FEFF}'];
            prop_assert!(!text.contains(&tricks[..]));
        }

        let bytes = message(&letter, Class::Marketing, Some(&first));
        let parsed = parsed(&bytes);
        let to: Vec<_> = parsed.to().unwrap().iter().map(|a| a.address().unwrap().to_owned()).collect();
        prop_assert_eq!(to, ["ada@customer.example"]);
        prop_assert!(parsed.cc().is_none() && parsed.bcc().is_none());
        prop_assert_eq!(parsed.headers().len(), 13);
        prop_assert_eq!(parsed.parts.len(), 3);
        prop_assert!(parsed.parts.iter().skip(1).all(|p| matches!(p.body, PartType::Text(_) | PartType::Html(_)) && !p.is_content_type("multipart", "mixed")));
        // What was put in is what comes out.
        let text = parsed.body_text(0).unwrap().replace("\r\n", "\n");
        prop_assert!(text.starts_with(&letter.text), "{}\n---\n{}", text, letter.text);
        prop_assert!(parsed.body_html(0).unwrap().contains("Unsubscribe</a>"));
        // No bare line ends, nothing that a relay would take for the end.
        let raw = String::from_utf8(bytes.clone()).unwrap();
        prop_assert_eq!(raw.matches('\n').count(), raw.matches("\r\n").count());
        prop_assert_eq!(raw.matches('\r').count(), raw.matches("\r\n").count());
        prop_assert!(raw.lines().all(|line| line.len() <= 998));
    }
}

#[test]
fn a_name_written_from_right_to_left_turns_nothing_round() {
    let body = "Dear {{ customer.first_name }}: 12 times, `{{ customer.first_name }}`";
    let letter = render(body, customer(Some("נועה\u{202E}"))).unwrap();
    let name = "\u{2068}נועה\u{2069}";
    assert_eq!(letter.text, format!("Dear {name}: 12 times, {name}\n"));
    assert!(
        letter.html.contains(&format!("Dear {name}: 12 times")),
        "{}",
        letter.html
    );
}

#[test]
fn a_name_without_end_leaves_room_for_the_letter() {
    let pile = format!("Zo{}", "\u{301}".repeat(500));
    let cut = format!("{}…", "W".repeat(100));
    for (name, shown) in [
        ("W".repeat(10_000), cut.as_str()),
        (pile, "Zo\u{301}\u{301}\u{301}\u{301}"),
    ] {
        let letter = render("Dear {{ customer.first_name }}!", customer(Some(&name))).unwrap();
        assert_eq!(letter.text, format!("Dear {shown}!\n"));
    }
    let attr = AttrValue::Text("W".repeat(10_000));
    let mut wordy = customer(Some("Ada"));
    wordy.attrs.insert("note".to_owned(), attr);
    let letter = render("{{ customer.attr.note }}", wordy).unwrap();
    assert_eq!(letter.text, format!("{}…\n", "W".repeat(2_000)));
}
