//! Why a customer did, didn't, will or won't get something: the ledger for what was decided, the
//! gates themselves for what lies ahead.
//!
//! Looks at the real books and changes nothing. The words are those of [`crate::decide::explain`].

mod ahead;
mod books;
mod crowd;
mod file;
mod letters;
mod others;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};

use self::ahead::{Foresight, Scope};
use self::books::Books;
use self::file::File;
use super::forecast::{check_rule, unknown_customer};
use super::{EngineError, House, privacy};
use crate::model::occasion::entry_id;
use crate::model::{Occasion, Outcome, Reason, View};
use crate::rules::Rule;

/// Days ahead in which the next occasion is looked for: two leap years, even across 2100.
pub(super) const AHEAD: i32 = 366 * 16;
/// Days from now on in which everything is followed from letter to letter. What lies further ahead is
/// followed from so many days before it.
const FOLLOWED: i32 = 400;

/// What to explain.
#[derive(Debug, Clone)]
pub struct Question {
    /// Whose.
    pub customer: String,
    /// Only this rule.
    pub rule: Option<String>,
    /// That civil day, where the rule sends; without it, what was and what is next.
    pub on: Option<Date>,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The rule's id.
    pub rule: String,
    /// The ledger's entry, where it is about one.
    pub entry: Option<String>,
    /// The occasion key, where there is an occasion.
    pub occasion: Option<String>,
    /// The civil day on which it is due, in its zone.
    pub day: Option<Date>,
    /// What became of it, or what would: `planned` where nothing stands in its way.
    pub outcome: Option<Outcome>,
    /// Why.
    pub reason: Option<Reason>,
    /// What it comes to in the end, by what is known now, as the forecast has it; nothing where it is
    /// settled, and where it hangs on other customers' letters.
    pub comes_to: Option<(Outcome, Option<Reason>)>,
    /// When it goes out, if that is what it comes to.
    pub goes_at: Option<Timestamp>,
    /// Letters that go before it and stand in its way: rule and occasion.
    pub because_of: Vec<String>,
    /// The IANA name of the zone it is sent in, where there is an occasion.
    pub zone: Option<String>,
    /// The sentences.
    pub words: String,
}

/// All answers, with the names for people.
#[derive(Debug)]
pub struct Explained {
    /// The customer's name, where it is known.
    pub name: Option<String>,
    /// Rule by rule, in time.
    pub said: Vec<Said>,
}

/// Explains.
///
/// # Errors
/// The store's trouble, or a rule or customer that nobody knows.
pub async fn explain(house: &House, question: &Question) -> Result<Explained, EngineError> {
    let ids = std::slice::from_ref(&question.customer);
    let view = house.views(ids).await?.pop();
    let Some(view) = view else {
        return Err(match house.store.was_forgotten(&question.customer).await? {
            Some(at) => privacy::was_forgotten(house, &question.customer, at),
            None => unknown_customer(&question.customer),
        });
    };
    let books = Books::open(house, view).await?;
    let rules = house.plans.rules.iter().map(|rule| rule.id.as_str());
    let noted = books.entries.iter().map(|entry| entry.rule.as_str());
    let mut ids: Vec<&str> = rules.chain(noted).collect();
    ids.retain(|id| question.rule.as_ref().is_none_or(|only| only == id));
    ids.sort_unstable();
    ids.dedup();
    if let (Some(rule), true) = (&question.rule, ids.is_empty()) {
        check_rule(&house.plans, rule)?;
    }
    let mut files: Vec<File<'_>> = ids.iter().map(|id| File::of(&books, id)).collect();
    for file in &mut files {
        file.look(question);
    }
    let wanted = files.iter().flat_map(File::ahead).collect();
    let foresights = foresee(&books, wanted, question.on).await?;
    Ok(Explained {
        name: books.view.customer.full_name(),
        said: files
            .iter()
            .flat_map(|file| file.said(question, &foresights))
            .collect(),
    })
}

/// When the letter of this occasion goes out, if it does and nobody holds it; `None` also where that
/// is too far ahead to be followed.
///
/// # Errors
/// The store's trouble.
pub(super) async fn goes_at(
    house: &House,
    view: &View,
    rule: &Rule,
    occasion: &Occasion,
) -> Result<Option<Timestamp>, EngineError> {
    let books = Books::open(house, view.clone()).await?;
    let late = rule.send.late.days_at_most().saturating_add(1);
    let until = occasion.day.saturating_add(late.days());
    if occasion.day > books.today().saturating_add(FOLLOWED.days()) {
        return Ok(None);
    }
    let alone = Scope {
        open: true,
        crowds: false,
    };
    let foresight = Foresight::of(&books, (Date::MIN, until), alone).await?;
    let id = entry_id(&rule.id, &view.customer.id, &occasion.key);
    Ok(foresight.goes_at(&id))
}

/// Follows what lies ahead up to all of these occasions, each with the days that it may be late.
async fn foresee<'a>(
    books: &'a Books<'a>,
    wanted: Vec<(Occasion, i32)>,
    on: Option<Date>,
) -> Result<Vec<Foresight<'a>>, EngineError> {
    let after = |day: Date, days: i32| day.saturating_add(days.days());
    let followed = after(books.today(), FOLLOWED);
    let (near, far): (Vec<_>, Vec<_>) = wanted
        .into_iter()
        .map(|(occasion, late)| (occasion.day, after(occasion.day, late.saturating_add(1))))
        .partition(|(day, _)| *day <= followed);
    let asked = on.map_or(books.today(), |day| after(day, 1));
    let asked = Some(asked).filter(|day| *day <= followed);
    let until = near.iter().map(|(_, until)| *until).chain(asked).max();
    let mut all = Vec::new();
    if let Some(until) = until {
        all.push(Foresight::of(books, (Date::MIN, until), Scope::NEAR).await?);
    }
    for (day, until) in far {
        let from = day.saturating_sub(FOLLOWED.days());
        all.push(Foresight::of(books, (from, until), Scope::FAR).await?);
    }
    Ok(all)
}
