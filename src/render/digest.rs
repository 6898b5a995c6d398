//! The owner's weekly letter: facts of a week -> a letter in plain words, short enough for a phone.
//!
//! Pure. May not look anything up, nor decide what is worth telling: whoever gathers the facts does.
//! Names and titles come from records and rules; they stay words, whatever they hold.

mod english;
mod french;
mod german;
mod phrases;
mod sections;
#[cfg(test)]
mod tests;
mod why;

use jiff::civil::Date;

use super::catalogue::Letter;
use super::{inert, markdown, page, plain};

pub use why::{Why, why};

/// What a week came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// The business's name.
    pub business: String,
    /// The civil days, at the business, on which the week told of begins and ends.
    pub days: (Date, Date),
    /// Where the console is, without a slash at its end; commands are named instead where there is
    /// none.
    pub console: Option<String>,
    /// Letters that went out, by the rule's title.
    pub sent: Vec<(String, u64)>,
    /// Letters that weren't sent, by what kept them.
    pub not_sent: Vec<(Why, u64)>,
    /// Why nothing went out, where nothing did.
    pub idle: Option<Idle>,
    /// Letters that cared for somebody, and letters that asked for something.
    pub balance: (u64, u64),
    /// Who came back, by rule.
    pub back: Vec<Back>,
    /// Who has gone quiet.
    pub missing: Missing,
    /// What lies ahead; `None` where the week told of is long over.
    pub ahead: Option<Ahead>,
    /// What needs a decision.
    pub needs: Vec<Need>,
    /// What doesn't work.
    pub broken: Vec<Broken>,
}

/// Why nothing went out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idle {
    /// Sending is paused.
    Paused,
    /// No rule is switched on.
    NoRules,
    /// Nobody is on record.
    NoCustomers,
    /// It was nobody's day.
    NothingDue,
    /// What was due wasn't sent, for the reasons told.
    AllKept,
    /// What was due waits for a person.
    Held,
    /// What is due today hasn't gone out yet.
    Coming,
}

/// Customers who came back after a rule's letter.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Back {
    /// The rule's title.
    pub title: String,
    /// Days in which a return counts.
    pub within_days: u16,
    /// How many came within the week.
    pub count: u64,
    /// The first of them, by name.
    pub names: Vec<String>,
    /// How all who were meant to get it did, and how those did who were left out for comparison:
    /// people, and of these who came back. `None` where nobody can say yet.
    pub compared: Option<Compared>,
}

/// Those who were to get a letter against those who were left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compared {
    /// People for whom it was meant, and who of them came back.
    pub meant: (u32, u32),
    /// People who were left out, and who of them came back.
    pub left_out: (u32, u32),
    /// What may be said of the difference.
    pub told: Told,
}

/// What may be said of a difference, and no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// Too few to tell anything.
    TooFew,
    /// Chance would explain it.
    Unclear,
    /// More came back than by chance.
    Helps,
    /// Fewer came back than by chance.
    Hurts,
}

/// Customers who have gone quiet.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Missing {
    /// How many.
    pub count: u64,
    /// What they used to bring in a year, by currency; empty where it isn't known.
    pub worth: Vec<(f64, String)>,
    /// Whether there are others.
    pub others: bool,
    /// The most valuable of them.
    pub top: Vec<Gone>,
}

/// One of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Gone {
    /// Their name, or id.
    pub name: String,
    /// Whole days without a contact.
    pub silent_days: u32,
    /// Days from one contact to the next, as they used to come.
    pub usually: Option<f64>,
    /// What they used to bring in a year, and its currency.
    pub worth: Option<(f64, String)>,
}

/// The coming days.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ahead {
    /// How many days.
    pub days: u16,
    /// Whether it could be worked out.
    pub known: bool,
    /// Letters that will go out, by the rule's title.
    pub letters: Vec<(String, u64)>,
    /// Letters that will wait for a decision.
    pub held: u64,
}

/// Something that a person has to say or do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// A batch of letters waits.
    Held {
        /// The rule's title.
        title: String,
        /// Its id.
        rule: String,
        /// The day on which they are due.
        day: Date,
        /// How many.
        letters: u64,
    },
    /// Nobody knows whether these letters arrived.
    Unknown(u64),
    /// Records that can't be used.
    Quarantined(u64),
    /// So many customers of a source seem to be gone that nobody is taken for gone.
    ManyGone {
        /// The source.
        name: String,
        /// How many.
        gone: u64,
        /// Of so many.
        of: u64,
    },
    /// Everything is paused, since this day.
    Paused(Date),
    /// Something else, in the words of whoever noted it.
    Other(String),
}

/// Something that doesn't work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// What.
    pub what: Fault,
    /// Since this day.
    pub since: Date,
}

/// What doesn't work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// An edit of the configuration can't be used.
    Edit,
    /// This mail server, or folder, can't be reached.
    Away(String),
    /// This mail server refuses us.
    RefusesUs(String),
    /// This source can't be read.
    Source(String),
    /// Most of what this source gave can't be used.
    Unusable(String),
    /// Many letters are refused.
    ManyRefusals,
    /// Something else, in the words of whoever noted it.
    Other(String),
}

/// More than the page of a letter has: denser, with headings that don't shout on a phone.
const STYLE: &str = "\
.sheet{font-size:16px!important;line-height:1.45!important;padding:1.2em 1.1em!important}
h1{font-size:1.3em;line-height:1.3;margin:0 0 .2em}
h2{font-size:1.05em;line-height:1.3;margin:1.2em 0 .2em}
p,ul{margin:.3em 0}
li{margin:.15em 0}
code{font-size:.82em;overflow-wrap:anywhere}
hr{border:0;border-top:1px solid #ddd6cf;margin:1.4em 0 .7em}
hr+p{font-size:13px;color:#756d66}
@media (prefers-color-scheme:dark){
hr{border-color:#3a3633}
hr+p{color:#a39b94}
}";

/// The language in which a business of this language reads the letter.
pub fn language(language: &str) -> &'static str {
    phrases::of(language).language
}

/// The letter, in this language as far as it is spoken here; else in English.
pub fn digest(facts: &Facts, language: &str) -> Letter {
    let phrases = phrases::of(language);
    let subject = inert::header_text(&sections::subject(facts, phrases));
    let markdown = sections::body(facts, phrases);
    let events = markdown::events(&markdown);
    Letter {
        text: plain::text(&events),
        html: page::wrap_with(
            (&subject, phrases.language),
            STYLE,
            &markdown::html(&events),
        ),
        subject,
        template: String::new(),
        language: phrases.language.to_owned(),
    }
}
