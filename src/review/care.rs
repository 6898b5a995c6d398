//! Answers to what customers choose and tell by a letter's links: which letters, a birthday, an opinion.
//!
//! A page for a link that isn't ours is the page that everybody gets who chose nothing, and what is said
//! on it changes nothing. Anything posted that isn't a form of ours is an accident, and is asked again.
//! May not log a token, nor a word of what was said.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Path, State};
use axum::http::{HeaderMap, Response, StatusCode};
use jiff::civil::Date;

use super::notes::Word;
use super::pages::{Chosen, Page, Stopped};
use super::routes::{Desk, Front};
use crate::engine::opinion::{FACES, MOST_CHARS, Opinion};
use crate::model::signs::calm;
use crate::model::{PartialDate, Period, Topic};
use crate::render::links::Scope;
use crate::store::{Choice, Reached, StoreError};

/// Lengths of a pause, in months, that can be chosen.
const PAUSES: [i32; 3] = [1, 3, 6];

/// The fields of a form, as they came.
type Fields = Result<Form<Vec<(String, String)>>, FormRejection>;

/// What a field says.
fn field<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut found = fields.iter().filter(|(known, _)| known == name);
    found.next().map(|(_, value)| value.as_str())
}

/// What the link's reader chose before, if it is one of ours.
async fn reached(front: &Front, token: &str) -> Result<Option<(String, Reached)>, StoreError> {
    let Some(entry) = front.house.links.verify(Scope::Preferences, token) else {
        return Ok(None);
    };
    let reached = front.house.store.reached(&entry).await?;
    Ok(reached.map(|reached| (entry, reached)))
}

/// Which letters? Changes nothing.
pub(super) async fn preferences(
    State(desk): State<Arc<Desk>>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response<Body> {
    let front = desk.front();
    let page = match reached(&front, &token).await {
        Ok(reached) => standing(&front, reached.map(|(_, reached)| reached)),
        Err(error) => {
            tracing::error!(%error, "what a customer chose can't be looked up");
            return front.later(false, &headers);
        }
    };
    front.page(StatusCode::OK, &page, &headers)
}

/// The page as things stand.
fn standing(front: &Front, reached: Option<Reached>) -> Page {
    let Some(reached) = reached else {
        return Page::Preferences(Chosen::default(), false);
    };
    if reached.shut {
        return Page::Stopped(Stopped::Otherwise);
    }
    if reached.stopped {
        return Page::Stopped(Stopped::ByThem);
    }
    let today = today(front, Some(&reached));
    let wishes = reached.wishes;
    let chosen = Chosen {
        language: wishes.language,
        fewer: wishes.fewer,
        without: wishes.without.into_iter().collect(),
        pause_until: wishes
            .pause_until
            .filter(|until| today < *until)
            .map(Into::into),
    };
    Page::Preferences(chosen, false)
}

/// The civil day where the customer lives; at the business, where nobody knows.
fn today(front: &Front, reached: Option<&Reached>) -> Date {
    let zone = reached.and_then(|reached| reached.timezone.as_deref());
    let zone = front.house.zone(zone.unwrap_or_default());
    zone.to_datetime(front.house.clock.now()).date()
}

/// One of the three buttons of that page.
pub(super) async fn choose(
    State(desk): State<Arc<Desk>>,
    Path(token): Path<String>,
    headers: HeaderMap,
    form: Fields,
) -> Response<Body> {
    let front = desk.front();
    let Ok(Form(fields)) = form else {
        let page = Page::Preferences(Chosen::default(), false);
        return front.page(StatusCode::BAD_REQUEST, &page, &headers);
    };
    let reached = match reached(&front, &token).await {
        Ok(reached) => reached,
        Err(error) => {
            tracing::error!(%error, "what a customer chose can't be looked up");
            return front.later(false, &headers);
        }
    };
    let (entry, reached) = reached.unzip();
    let (word, page) = match field(&fields, "say") {
        Some("stop") => (Word::Stop, Page::Stopped(Stopped::ByThem)),
        Some("again") => {
            let page = match &reached {
                Some(reached) if reached.shut => Page::Stopped(Stopped::Otherwise),
                Some(_) | None => Page::Back,
            };
            (Word::Again, page)
        }
        Some("choose") => {
            let (choice, chosen) = chosen(&front, reached.as_ref(), &fields);
            (Word::Choose(choice), Page::Preferences(chosen, true))
        }
        Some(_) | None => {
            let page = standing(&front, reached);
            return front.page(StatusCode::BAD_REQUEST, &page, &headers);
        }
    };
    noted((&desk, &front), (entry, word), &page, &headers).await
}

/// Notes a word, and says so by this page; or that it couldn't be noted.
async fn noted(
    (desk, front): (&Desk, &Front),
    (entry, word): (Option<String>, Word),
    page: &Page,
    headers: &HeaderMap,
) -> Response<Body> {
    if desk.note(front, entry, word).await {
        return front.page(StatusCode::OK, page, headers);
    }
    front.later(false, headers)
}

/// What the form says, to be kept and to be shown.
fn chosen(
    front: &Front,
    reached: Option<&Reached>,
    fields: &[(String, String)],
) -> (Choice, Chosen) {
    let today = today(front, reached);
    let before = reached.map(|reached| &reached.wishes);
    let language = field(fields, "language").filter(|tag| {
        let known = before.and_then(|wishes| wishes.language.as_deref());
        front.pages.languages.iter().any(|one| one == tag) || known == Some(*tag)
    });
    // Where there is only one language, nobody is asked.
    let language = match field(fields, "language") {
        Some(_) => language.map(str::to_owned),
        None => before.and_then(|wishes| wishes.language.clone()),
    };
    let offered = &front.pages.kinds;
    let kinds = fields.iter().filter(|(name, _)| name == "kind");
    let wanted: Vec<Topic> = kinds.filter_map(|(_, kind)| Topic::parse(kind)).collect();
    let pause = match field(fields, "pause") {
        Some("none") => Some(None),
        Some(months) => {
            let months = PAUSES.into_iter().find(|one| one.to_string() == months);
            months.map(|months| Period::Months(months).from_date(today))
        }
        None => None,
    };
    let choice = Choice {
        language: language.clone(),
        fewer: field(fields, "number") == Some("fewer"),
        offered: offered.iter().copied().collect(),
        wanted: wanted.iter().copied().collect(),
        pause,
    };
    let as_it_is = before.and_then(|wishes| wishes.pause_until);
    let until = pause.unwrap_or(as_it_is).filter(|until| today < *until);
    let refused = offered.iter().filter(|topic| !wanted.contains(topic));
    let chosen = Chosen {
        language,
        fewer: choice.fewer,
        without: refused.copied().collect(),
        pause_until: until.map(Into::into),
    };
    (choice, chosen)
}

/// When is your birthday? Changes nothing.
pub(super) async fn birthday(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> Response<Body> {
    let page = Page::Birthday(None);
    desk.front().page(StatusCode::OK, &page, &headers)
}

/// Day and month.
pub(super) async fn tell_birthday(
    State(desk): State<Arc<Desk>>,
    Path(token): Path<String>,
    headers: HeaderMap,
    form: Fields,
) -> Response<Body> {
    let front = desk.front();
    let fields = form.map(|Form(fields)| fields).unwrap_or_default();
    let number = |name| field(&fields, name).and_then(|text| text.parse::<i8>().ok());
    let said = (
        number("day").unwrap_or_default(),
        number("month").unwrap_or_default(),
    );
    let Some(day) = PartialDate::new(None, said.1, said.0) else {
        let page = Page::Birthday(Some(said));
        return front.page(StatusCode::BAD_REQUEST, &page, &headers);
    };
    let entry = front.house.links.verify(Scope::Birthday, &token);
    let (word, page) = (Word::Birthday(day), Page::ToldBirthday(day));
    noted((&desk, &front), (entry, word), &page, &headers).await
}

/// What do you think of us? Changes nothing.
pub(super) async fn opinion(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> Response<Body> {
    let page = Page::Opinion(None);
    desk.front().page(StatusCode::OK, &page, &headers)
}

/// A face, and a text where they wrote one.
pub(super) async fn give_opinion(
    State(desk): State<Arc<Desk>>,
    Path(token): Path<String>,
    headers: HeaderMap,
    form: Fields,
) -> Response<Body> {
    let front = desk.front();
    let fields = form.map(|Form(fields)| fields).unwrap_or_default();
    let face = field(&fields, "face").and_then(|text| text.parse::<u8>().ok());
    let face = face.filter(|face| (1..=FACES).contains(face));
    let words = clean(field(&fields, "text").unwrap_or_default());
    let fits = words.chars().count() <= MOST_CHARS;
    let Some(face) = face.filter(|_| fits) else {
        let page = Page::Opinion(Some((face, words)));
        return front.page(StatusCode::BAD_REQUEST, &page, &headers);
    };
    let opinion = Opinion { face, words };
    let page = Page::Thanks(opinion.is_bad());
    let entry = front.house.links.verify(Scope::Opinion, &token);
    let word = Word::Opinion(opinion);
    noted((&desk, &front), (entry, word), &page, &headers).await
}

/// A text as it is kept: lines of plain signs.
fn clean(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let kept = calm(&text).map(|c| if c.is_control() && c != '\n' { ' ' } else { c });
    let kept: String = kept.collect();
    kept.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn a_text_keeps_its_lines_and_no_tricks() {
        let text = " One\r\nTwo\u{202e}\u{0}\rThree\t! \n";
        assert_eq!(clean(text), "One\nTwo \nThree !");
    }
}
