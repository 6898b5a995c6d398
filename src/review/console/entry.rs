//! One entry: its whole history, its letter as it looked, what the mail server said; and, where nobody
//! knows whether it arrived, what a person says.
//!
//! A letter is shown in a frame that runs nothing, fetches nothing and leads nowhere. May not decide.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, Form, Path, State};
use axum::http::{HeaderValue, Response, StatusCode, header};
use mail_parser::MessageParser;
use serde_json::{Value, json};

use super::access::Visit;
use super::show::{answer, escaped, harmless, see_other};
use super::trouble::Trouble;
use super::words::{customer_link, entry_link, moment, names, outcome, rule_link, step};
use super::{Answer, Console};
use crate::engine::control::{self, Word};
use crate::engine::{House, preview};
use crate::model::{Outcome, Reason};
use crate::store::{Entry, Shown};

/// A letter may have the style that its writer gave it, and nothing else: no script, no picture from
/// anywhere, no form, and only our own pages may show it.
const LETTER: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
    form-action 'none'; base-uri 'none'; frame-ancestors 'self'";

/// What a letter says.
#[derive(Debug)]
pub(super) struct Words {
    subject: Option<String>,
    text: String,
    html: String,
    /// It is what went out, not what would.
    as_sent: bool,
}

async fn entry(house: &House, id: &str) -> Result<Shown, Trouble> {
    let shown = house.store.entry(id).await?;
    shown.ok_or_else(|| Trouble::Nothing("The ledger has no such entry.".to_owned()))
}

/// The letter as it was last handed over; else as it would be written now. `Err`: why there is none.
async fn words(house: &House, entry: &Entry, message: Option<&str>) -> Result<Words, String> {
    if let Some(message) = message.filter(|message| !message.is_empty()) {
        let parsed = MessageParser::default().parse(message.as_bytes());
        let parsed = parsed.ok_or("The letter can't be read any more.")?;
        let text = parsed.body_text(0).unwrap_or_default().into_owned();
        return Ok(Words {
            subject: parsed.subject().map(str::to_owned),
            html: match parsed.body_html(0) {
                Some(html) => html.into_owned(),
                None => plain(&text),
            },
            text,
            as_sent: true,
        });
    }
    let written = preview::of_entry(house, entry).await;
    let written = written.map_err(|error| error.to_string())?;
    Ok(Words {
        subject: Some(written.subject),
        text: written.text,
        html: written.html,
        as_sent: false,
    })
}

fn plain(text: &str) -> String {
    format!(
        "<!DOCTYPE html><meta charset=\"utf-8\"><pre>{}</pre>",
        escaped(text)
    )
}

/// The page.
pub(super) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
) -> Answer {
    let house = console.house();
    let Shown {
        entry,
        history,
        message,
        text_removed_at,
    } = entry(&house, &id).await?;
    let zone = &house.policy().zone;
    let known = names(house.store.named(&[&entry.customer]).await?);
    let letter = words(&house, &entry, message.as_deref()).await;
    let steps: Vec<Value> = history
        .iter()
        .map(|one| {
            json!({
                "at": moment(one.at, zone),
                "outcome": one.outcome.as_str(),
                "words": step(one.outcome, one.reason),
                "reply": one.reply,
            })
        })
        .collect();
    let occasion = &entry.occasion;
    let page = json!({
        "id": entry.id,
        "link": entry_link(&entry.id),
        "rule": house.title(&entry.rule),
        "rule_id": entry.rule,
        "rule_link": rule_link(&entry.rule),
        "rule_version": entry.rule_version,
        "customer": entry.customer,
        "customer_link": customer_link(&entry.customer),
        "name": known.get(&entry.customer),
        "occasion": occasion.key,
        "due": moment(occasion.due_at, &house.zone(&occasion.zone)),
        "zone": occasion.zone,
        "outcome": entry.outcome.as_str(),
        "outcome_words": outcome(entry.outcome),
        "reason": entry.reason.map(Reason::sentence),
        "reason_word": entry.reason.map(Reason::as_str),
        "recipient": entry.recipient,
        "message_id": entry.message_id,
        "attempts": entry.attempts,
        "next": entry.next_attempt_at.map(|at| moment(at, zone)),
        "via": entry.via,
        "reply": entry.reply,
        "steps": steps,
        "letter": letter.as_ref().ok().map(|letter| json!({
            "subject": letter.subject.as_ref().or(entry.subject.as_ref()),
            "text": letter.text,
            "as_sent": letter.as_sent,
            "frame": format!("{}/letter", entry_link(&entry.id)),
        })),
        "no_letter": letter.as_ref().err(),
        "text_removed": text_removed_at.map(|at| moment(at, zone)),
        "held": (entry.outcome == Outcome::Held)
            .then(|| super::held::batch_link(&entry.rule, occasion.day)),
        "unknown": entry.outcome == Outcome::Unknown,
    });
    console.page(&visit, "entry.html", &page)
}

/// The letter by itself, for the frame.
pub(super) async fn letter(State(console): State<Arc<Console>>, Path(id): Path<String>) -> Answer {
    let house = console.house();
    let Shown { entry, message, .. } = entry(&house, &id).await?;
    let html = match words(&house, &entry, message.as_deref()).await {
        Ok(letter) => letter.html,
        Err(why) => plain(&harmless(&why, 500)),
    };
    let mut response: Response<Body> = answer(StatusCode::OK, "text/html; charset=utf-8", html);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(LETTER),
    );
    headers.insert(
        header::X_FRAME_OPTIONS,
        HeaderValue::from_static("SAMEORIGIN"),
    );
    Ok(response)
}

/// A person says what became of it.
pub(super) async fn resolve(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    Form(fields): Form<HashMap<String, String>>,
) -> Answer {
    visit.decides()?;
    let word = match fields.get("word").map(String::as_str) {
        Some("sent") => Word::Sent,
        Some("not-sent") => Word::NotSent,
        Some("resend") => Word::Resend,
        _ => return Err(Trouble::Wrong("Say what became of the letter.".to_owned())),
    };
    let house = console.house();
    let known = entry(&house, &id).await?;
    let unknown = known.entry.outcome == Outcome::Unknown;
    let now = house.clock.now();
    if !unknown || !control::resolve(&house, &visit.who, &id, word, now).await? {
        let words = "It is known what became of this letter; there is nothing to settle.";
        return Err(Trouble::Wrong(words.to_owned()));
    }
    tracing::info!(entry = id, ?word, "a person settled an unknown letter");
    console.ahead.forget();
    Ok(see_other(&entry_link(&id)))
}
