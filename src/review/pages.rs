//! The small pages behind the links of letters: the way out, which letters, the birthday, the opinion.
//!
//! A page shows what its visitor has just said, and on a link of ours what they chose before; nothing
//! else of any customer, not even whether a link belongs to one. May not know what is noted.

use std::sync::{Arc, LazyLock};

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, Error, UndefinedBehavior, context};
use sha2::{Digest as _, Sha256};

use crate::engine::House;
use crate::engine::opinion::{FACES, MOST_CHARS};
use crate::model::policy::{Audience, Class};
use crate::model::{PartialDate, Topic};
use crate::render::{Phrases, Words};
use crate::settings::Business;

const STYLE: &str = include_str!("public/page.css");
const TEMPLATES: &[(&str, &str)] = &[
    ("frame.html", include_str!("public/frame.html")),
    ("unsubscribe.html", include_str!("public/unsubscribe.html")),
    ("preferences.html", include_str!("public/preferences.html")),
    ("birthday.html", include_str!("public/birthday.html")),
    ("opinion.html", include_str!("public/opinion.html")),
];
/// The mouths of the five faces, from very bad to very good.
const MOUTHS: [&str; FACES as usize] = [
    "M15 36q9-13 18 0",
    "M16 34q8-7 16 0",
    "M16 32h16",
    "M16 30q8 7 16 0",
    "M14 28q10 15 20 0z",
];

/// The one policy that fits them: this stylesheet, this form, nothing else.
pub(super) static POLICY: LazyLock<String> = LazyLock::new(|| {
    format!(
        "default-src 'none'; style-src 'sha256-{}'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'",
        STANDARD.encode(Sha256::digest(STYLE))
    )
});

/// What a page says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Page {
    /// No more letters? With the button.
    Unsubscribe,
    /// It is noted.
    Unsubscribed,
    /// It couldn't be noted; where this is the way out, with the button, to try again.
    Later(bool),
    /// Which letters, and whether they were just chosen.
    Preferences(Chosen, bool),
    /// No letters at all, for this reason.
    Stopped(Stopped),
    /// They get letters again.
    Back,
    /// When is your birthday? With what isn't a day.
    Birthday(Option<(i8, i8)>),
    /// It is noted.
    ToldBirthday(PartialDate),
    /// What do you think of us? With what can't be taken, if anything was said.
    Opinion(Option<(Option<u8>, String)>),
    /// It is noted; whether it was bad.
    Thanks(bool),
}

/// Why somebody gets no letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stopped {
    /// They said so, and may take it back.
    ByThem,
    /// Something else is in the way.
    Otherwise,
}

/// What a customer chose; by default nothing, as everybody else sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) language: Option<String>,
    pub(super) fewer: bool,
    pub(super) without: Vec<Topic>,
    /// The day on which letters go again.
    pub(super) pause_until: Option<PartialDate>,
}

/// What the pages say of the business.
#[derive(Debug)]
pub(super) struct Pages {
    all: Environment<'static>,
    phrases: Arc<Phrases>,
    name: String,
    address: String,
    /// The business's language.
    language: String,
    /// The languages in which there are letters.
    pub(super) languages: Vec<String>,
    /// The kinds of letters that there are, but for those that customers asked for.
    pub(super) kinds: Vec<Topic>,
}

impl Pages {
    /// The pages of this business, as it is at work.
    ///
    /// # Errors
    /// A fault of ours in a template.
    pub(super) fn new(house: &House) -> Result<Self, Error> {
        let plans = &house.plans;
        let sent = plans.rules.iter().filter(|rule| rule.enabled);
        let sent = sent.filter(|rule| rule.audience == Audience::Customer);
        let names = sent.clone().flat_map(|rule| {
            let late = rule.send.late_template.as_deref();
            [Some(rule.template.as_str()), late].into_iter().flatten()
        });
        let mut languages: Vec<String> = names
            .flat_map(|name| plans.letters.languages(name))
            .map(str::to_owned)
            .collect();
        languages.sort_unstable();
        languages.dedup();
        let asked_for = |class| class == Class::Service;
        let mut kinds: Vec<Topic> = sent
            .filter(|rule| !asked_for(rule.class))
            .map(|rule| rule.topic)
            .collect();
        kinds.sort_unstable();
        kinds.dedup();
        let pages = Self::of(&plans.settings.business, &plans.phrases)?;
        Ok(Self {
            languages,
            kinds,
            ..pages
        })
    }

    fn of(business: &Business, phrases: &Arc<Phrases>) -> Result<Self, Error> {
        let answers = business.reply_to.as_ref().unwrap_or(&business.from);
        let mut all = Environment::new();
        all.set_undefined_behavior(UndefinedBehavior::Strict);
        all.set_auto_escape_callback(|_| AutoEscape::Html);
        for (name, text) in TEMPLATES {
            all.add_template(name, text)?;
        }
        Ok(Self {
            all,
            phrases: Arc::clone(phrases),
            name: business.name.clone(),
            address: answers.email.to_string(),
            language: business.language.clone(),
            languages: Vec::new(),
            kinds: Vec::new(),
        })
    }

    /// The page in the language that fits these headers best.
    ///
    /// # Errors
    /// A fault of ours in a template.
    pub(super) fn page(&self, page: &Page, headers: &HeaderMap) -> Result<String, Error> {
        let accepted = headers.get(ACCEPT_LANGUAGE);
        let accepted = accepted.and_then(|value| value.to_str().ok());
        let words = self.phrases.choose(accepted, &self.language);
        let (name, title, more) = self.content(page, words);
        let frame = context! {
            lang => words.language.as_str(),
            dir => if words.is_right_to_left() { "rtl" } else { "ltr" },
            title => words.say(title),
            business => self.name.as_str(),
            style => Value::from_safe_string(STYLE.to_owned()),
            contact => self.contact(words),
            words => words.tree(),
        };
        self.all
            .get_template(name)?
            .render(context! { ..more, ..frame })
    }

    /// The template, the title's name, and what it shows.
    fn content(&self, page: &Page, words: &Words) -> (&'static str, &'static str, Value) {
        let out = |lines: &[&str], button: bool| {
            let lines = lines.iter().map(|name| Value::from(words.say(name)));
            context! { lines => lines.collect::<Vec<_>>(), button }
        };
        let plain = "unsubscribe.html";
        match page {
            Page::Unsubscribe => {
                let lines = ["unsubscribe.question", "unsubscribe.service"];
                (plain, "unsubscribe.title", out(&lines, true))
            }
            Page::Unsubscribed => {
                let lines = ["unsubscribe.done", "unsubscribe.done_service"];
                (plain, "unsubscribe.done_title", out(&lines, false))
            }
            Page::Later(button) => (plain, "page.later_title", out(&["page.later"], *button)),
            Page::Back => {
                let lines = ["preferences.back"];
                (plain, "preferences.back_title", out(&lines, false))
            }
            Page::Stopped(why) => {
                let shut = *why == Stopped::Otherwise;
                let more = context! { notice => (), stopped => true, shut };
                ("preferences.html", "preferences.stopped_title", more)
            }
            Page::Preferences(chosen, noted) => {
                let more = self.preferences(chosen, *noted, words);
                ("preferences.html", "preferences.title", more)
            }
            Page::Birthday(said) => {
                let wrong = said.map(|_| words.say("birthday.wrong"));
                let (day, month) = said.unwrap_or_default();
                let months: Vec<Value> = words.months().map(Value::from).to_vec();
                let more = context! { done => (), wrong, day, month, months };
                ("birthday.html", "birthday.title", more)
            }
            Page::ToldBirthday(day) => {
                let done = words.fill("birthday.done", &[("day", &words.date(*day))]);
                ("birthday.html", "birthday.done_title", context! { done })
            }
            Page::Opinion(said) => (
                "opinion.html",
                "opinion.title",
                opinion(said.as_ref(), words),
            ),
            Page::Thanks(bad) => {
                let done = if *bad {
                    "opinion.sorry"
                } else {
                    "opinion.done"
                };
                let more = context! { done => words.say(done) };
                ("opinion.html", "opinion.done_title", more)
            }
        }
    }

    fn preferences(&self, chosen: &Chosen, noted: bool, words: &Words) -> Value {
        let mut tags: Vec<&String> = self.languages.iter().collect();
        // One in which there are no letters any more is still theirs.
        tags.extend(
            chosen
                .language
                .iter()
                .filter(|tag| !self.languages.contains(tag)),
        );
        let languages: Vec<Value> = tags
            .into_iter()
            .map(|tag| {
                let chosen = chosen.language.as_ref() == Some(tag);
                context! { tag, chosen, name => self.phrases.name_of(tag) }
            })
            .collect();
        let kind = |topic: &Topic| {
            let said = match topic {
                Topic::Greetings => "preferences.greetings",
                Topic::Thanks => "preferences.thanks",
                Topic::Missing => "preferences.missing",
                Topic::Reminders => "preferences.reminders",
                Topic::Usage => "preferences.usage",
            };
            let wanted = !chosen.without.contains(topic);
            context! { kind => topic.as_str(), words => words.say(said), wanted }
        };
        let paused = chosen.pause_until.map(|day| {
            let date = words.date(day);
            words.fill("preferences.paused_until", &[("date", &date)])
        });
        context! {
            notice => noted.then(|| words.say("preferences.noted")),
            stopped => false,
            languages,
            kinds => self.kinds.iter().map(kind).collect::<Vec<_>>(),
            fewer => chosen.fewer,
            paused,
        }
    }

    /// The last line, with the address as a link where it can be one.
    fn contact(&self, words: &Words) -> Value {
        // Any other sign would mean something else in a link.
        let plain = |c: char| c.is_ascii_alphanumeric() || "@-.+_".contains(c);
        let address = escaped(&self.address);
        let link = if self.address.chars().all(plain) {
            format!("<a href=\"mailto:{address}\">{address}</a>")
        } else {
            address
        };
        let says = escaped(words.say("page.contact"));
        Value::from_safe_string(says.replace("{address}", &link))
    }
}

fn opinion(said: Option<&(Option<u8>, String)>, words: &Words) -> Value {
    let wrong = said.map(|(face, _)| {
        words.say(match face {
            None => "opinion.no_face",
            Some(_) => "opinion.too_long",
        })
    });
    let faces = (1..).zip(MOUTHS).map(|(n, mouth)| {
        let name = format!("opinion.face_{n}");
        context! { mouth, words => words.say(&name) }
    });
    let most = MOST_CHARS.to_string();
    context! {
        done => (),
        wrong,
        faces => faces.collect::<Vec<_>>(),
        face => said.and_then(|(face, _)| *face),
        text => said.map_or("", |(_, text)| text),
        hint => words.fill("opinion.most", &[("count", &most)]),
        most,
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn pages(name: &str, address: &str) -> Pages {
        let business = Business {
            name: name.to_owned(),
            from: "hello@thorn.example".parse().unwrap(),
            reply_to: Some(address.parse().unwrap()),
            owner: Vec::new(),
            postal_address: None,
            language: "en".to_owned(),
            unsubscribe_mailto: None,
        };
        Pages {
            languages: vec!["de".to_owned(), "it".to_owned()],
            kinds: Topic::ALL.to_vec(),
            ..Pages::of(&business, Phrases::built_in()).unwrap()
        }
    }

    fn every_page() -> Vec<Page> {
        let chosen = Chosen {
            language: Some("pl".to_owned()),
            fewer: true,
            without: vec![Topic::Missing],
            pause_until: Some("2027-05-02".parse().unwrap()),
        };
        vec![
            Page::Unsubscribe,
            Page::Unsubscribed,
            Page::Later(true),
            Page::Later(false),
            Page::Preferences(Chosen::default(), false),
            Page::Preferences(chosen, true),
            Page::Stopped(Stopped::ByThem),
            Page::Stopped(Stopped::Otherwise),
            Page::Back,
            Page::Birthday(None),
            Page::Birthday(Some((30, 2))),
            Page::ToldBirthday("--02-29".parse().unwrap()),
            Page::Opinion(None),
            Page::Opinion(Some((None, "\"><script>y</script>".to_owned()))),
            Page::Opinion(Some((Some(2), "</textarea><script>y</script>".to_owned()))),
            Page::Thanks(true),
            Page::Thanks(false),
        ]
    }

    fn in_language(pages: &Pages, page: &Page, language: &'static str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static(language));
        pages.page(page, &headers).unwrap()
    }

    #[test]
    fn the_business_and_the_visitor_stay_words() {
        let pages = pages("</title><script>x</script>", "a&b@thorn.example");
        for which in every_page() {
            let page = pages.page(&which, &HeaderMap::new()).unwrap();
            assert!(!page.contains("<script"), "{page}");
            assert!(page.contains("&lt;script&gt;"), "{page}");
            assert!(page.contains("a&amp;b@thorn.example"), "{page}");
            assert!(!page.contains("mailto:"), "{page}");
        }
    }

    /// Every page can be made in every language, and none is left with a word of another.
    #[test]
    fn every_page_speaks_every_language() {
        let pages = pages("Rose", "anna@thorn.example");
        for which in every_page() {
            let made = ["en", "de", "fr"].map(|language| {
                let page = in_language(&pages, &which, language);
                assert!(page.contains(&format!("<html lang=\"{language}\" dir=\"ltr\">")));
                assert!(page.contains("href=\"mailto:anna@thorn.example\""));
                assert!(!page.contains("{{") && !page.contains("{%"), "{page}");
                page
            });
            assert!(made[0] != made[1] && made[1] != made[2], "{which:?}");
        }
    }

    #[test]
    fn a_question_has_a_button_and_an_answer_has_none() {
        let pages = pages("Rose", "anna@thorn.example");
        let buttons = |page: &Page| {
            let page = in_language(&pages, page, "en");
            page.matches("<button").count()
        };
        for (page, count) in [
            (Page::Unsubscribe, 1),
            (Page::Unsubscribed, 0),
            (Page::Later(true), 1),
            (Page::Later(false), 0),
            (Page::Preferences(Chosen::default(), false), 2),
            (Page::Stopped(Stopped::ByThem), 1),
            (Page::Stopped(Stopped::Otherwise), 0),
            (Page::Back, 0),
            (Page::Birthday(None), 1),
            (Page::Opinion(None), 1),
            (Page::Thanks(true), 0),
        ] {
            assert_eq!(buttons(&page), count, "{page:?}");
        }
    }

    #[test]
    fn what_somebody_chose_is_what_the_page_shows() {
        let pages = pages("Rose", "anna@thorn.example");
        let shown = |chosen: &Chosen| {
            let page = Page::Preferences(chosen.clone(), false);
            let page = in_language(&pages, &page, "en");
            page.lines()
                .filter(|line| line.contains(" checked") || line.contains(" selected"))
                .map(|line| {
                    line.split("value=\"")
                        .nth(1)
                        .unwrap()
                        .split('"')
                        .next()
                        .unwrap()
                        .to_owned()
                })
                .collect::<Vec<_>>()
        };
        let everything = [
            "greetings",
            "thanks",
            "missing",
            "reminders",
            "usage",
            "usual",
        ];
        assert_eq!(shown(&Chosen::default()), everything);
        let chosen = Chosen {
            language: Some("it".to_owned()),
            fewer: true,
            without: vec![Topic::Greetings, Topic::Usage],
            pause_until: Some("2027-05-02".parse().unwrap()),
        };
        assert_eq!(
            shown(&chosen),
            ["it", "thanks", "missing", "reminders", "fewer", "keep"]
        );
    }

    #[test]
    fn the_policy_lets_in_the_style_as_it_stands_in_the_page() {
        let pages = pages("Rose", "anna@thorn.example");
        for which in every_page() {
            let page = pages.page(&which, &HeaderMap::new()).unwrap();
            let (_, rest) = page.split_once("<style>").unwrap();
            let (style, rest) = rest.split_once("</style>").unwrap();
            let hash = STANDARD.encode(Sha256::digest(style));
            assert!(POLICY.contains(&format!("'sha256-{hash}'")));
            assert!(!rest.contains("style="), "{rest}");
        }
        assert!(!POLICY.contains("unsafe"));
    }
}
