//! Records that other programs hand in: from what was sent to what is kept, and what became of each.
//!
//! May not know HTTP.

use super::{EngineError, House, wiring};
use crate::model::refusal::{Claims, Stops};
use crate::records::Feeds;
use crate::records::json::{self, Body, Flaw, JsonReader, NotUsable};
use crate::settings::Api;
use crate::store::{Delivery, Handed, Scope, Taken, Token};

/// Takes records in as `[api]` says.
#[derive(Debug)]
pub struct Intake {
    reader: JsonReader,
    source: String,
}

/// What is handed in, and how.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Customers or events.
    pub what: Scope,
    /// Whose record it is, where the address of the request says so; then there is one record.
    pub id: Option<&'a str>,
    /// How it came, as people are told of what can't be used: `POST /api/events`.
    pub by: &'a str,
}

/// What can't be taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// It isn't JSON, for this reason.
    NotJson(String),
    /// It has so many records, where so many may be.
    TooMany(usize, usize),
    /// It is JSON, but of another form.
    Form(Mistake),
}

/// What is wrong with a part of what was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where: a JSON pointer as the fragment of a URI (RFC 6901 §6).
    pub pointer: String,
    /// Why, and what would mend it.
    pub detail: String,
}

/// Records that were read, of which some can't be used.
#[derive(Debug)]
pub struct Read {
    /// Whether they came as a list.
    pub several: bool,
    records: Vec<(Handed, Option<String>, Vec<Mistake>)>,
}

/// What became of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fate {
    /// Its id, where it has one.
    pub id: Option<String>,
    /// What became of it.
    pub taken: Taken,
    /// What is wrong with it.
    pub mistakes: Vec<Mistake>,
}

impl Intake {
    /// As these settings say.
    ///
    /// # Errors
    /// Settings that can't be followed.
    pub fn new(house: &House, api: &Api) -> Result<Self, EngineError> {
        let types = wiring::types(&api.types);
        let reader = JsonReader::new(house.policy().zone.clone(), types);
        Ok(Self {
            reader: reader.map_err(|error| EngineError::Other(error.to_string()))?,
            source: api.source.clone(),
        })
    }

    /// Reads what was sent. What is wrong with single records is part of the answer.
    ///
    /// # Errors
    /// What can't be taken apart; nothing of it is kept.
    pub fn read(&self, body: &[u8], request: Request<'_>) -> Result<Read, Unreadable> {
        let feeds = match request.what {
            Scope::Events => Feeds::Events,
            Scope::Customers => Feeds::Customers,
        };
        let (records, way, several) = match json::body(body, feeds).map_err(unreadable)? {
            Body::One(record) => (vec![record], Vec::new(), false),
            Body::Many(_, way) if request.id.is_some() => {
                let detail = "send one record here: `{…}`".to_owned();
                let pointer = pointer(way.iter().map(String::as_str));
                return Err(Unreadable::Form(Mistake { pointer, detail }));
            }
            Body::Many(records, way) => (records, way, true),
        };
        let read = records.into_iter().zip(1_u64..).map(|(record, number)| {
            let read = match request.what {
                Scope::Customers => self.reader.customer(record, request.id).map(|(one, told)| {
                    let id = one.id.clone();
                    (Handed::Customer(Box::new(one), told), id)
                }),
                Scope::Events => self.reader.event(record).map(|one| {
                    let id = one.id.clone();
                    (Handed::Event(Box::new(one)), id)
                }),
            };
            let flaws = match read {
                Ok((handed, id)) => return (handed, Some(id), Vec::new()),
                Err(flaws) => flaws,
            };
            let id = match request.id {
                Some(id) => json::is_id(id).then(|| id.to_owned()),
                None => json::claimed_id(record),
            };
            let customer = match request.what {
                Scope::Customers => id.clone(),
                Scope::Events => json::claimed_customer(record),
            };
            let of = Claims {
                id: id.clone(),
                customer,
                // Whoever sent it is told at once, and nothing of it counts until it is mended.
                stops: Stops::default(),
            };
            let place = several.then(|| (number - 1).to_string());
            let start: Vec<&str> = way
                .iter()
                .map(String::as_str)
                .chain(place.as_deref())
                .collect();
            let mistakes = flaws.iter().map(|flaw| mistake(&start, flaw)).collect();
            let handed = Handed::Refused {
                what: request.what.as_str(),
                id: id.clone(),
                refusal: Box::new(json::refusal((request.by, number), record, &flaws, of)),
            };
            (handed, id, mistakes)
        });
        Ok(Read {
            several,
            records: read.collect(),
        })
    }

    /// Keeps what was read; when it returns, that is durable. `None`: the token was revoked
    /// meanwhile, and nothing is kept.
    ///
    /// # Errors
    /// The store's trouble; then nothing is kept.
    pub async fn keep(
        &self,
        house: &House,
        token: &Token,
        read: Read,
    ) -> Result<Option<Vec<Fate>>, EngineError> {
        let now = house.clock.now();
        let delivery = Delivery {
            token,
            source: token.source.as_deref().unwrap_or(&self.source),
            today: house.today(now),
            now,
        };
        let mut records = Vec::with_capacity(read.records.len());
        let mut about = Vec::with_capacity(read.records.len());
        for (handed, id, mistakes) in read.records {
            records.push(handed);
            about.push((id, mistakes));
        }
        let Some(fates) = house.store.take_in(delivery, &records).await? else {
            return Ok(None);
        };
        let fates = about.into_iter().zip(fates);
        let fates = fates.map(|((id, mistakes), taken)| Fate {
            id,
            taken,
            mistakes,
        });
        Ok(Some(fates.collect()))
    }
}

fn unreadable(wrong: NotUsable) -> Unreadable {
    match wrong {
        NotUsable::NotJson(why) => Unreadable::NotJson(why),
        NotUsable::TooMany(count, most) => Unreadable::TooMany(count, most),
        NotUsable::Form(flaw) => Unreadable::Form(mistake(&[], &flaw)),
    }
}

fn mistake(start: &[&str], flaw: &Flaw) -> Mistake {
    let way = start.iter().copied();
    Mistake {
        pointer: pointer(way.chain(flaw.path.iter().map(String::as_str))),
        detail: flaw.reason.clone(),
    }
}

/// `#/events/1/attr/shoe%20size`
fn pointer<'a>(way: impl Iterator<Item = &'a str>) -> String {
    use std::fmt::Write as _;
    let mut pointer = "#".to_owned();
    for name in way {
        pointer.push('/');
        for byte in name.bytes() {
            // Writing to a string can't fail.
            _ = match byte {
                b'~' => pointer.write_str("~0"),
                b'/' => pointer.write_str("~1"),
                b if b.is_ascii_alphanumeric() || b"-._!$&'()*+,;=:@".contains(&b) => {
                    pointer.write_char(char::from(b))
                }
                b => write!(pointer, "%{b:02X}"),
            };
        }
    }
    pointer
}

#[cfg(test)]
mod tests {
    use super::pointer;

    #[test]
    fn a_pointer_is_the_fragment_of_a_uri() {
        let of = |way: &[&str]| pointer(way.iter().copied());
        assert_eq!(of(&[]), "#");
        assert_eq!(of(&["events", "1", "at"]), "#/events/1/at");
        assert_eq!(
            of(&["attr", "a/b~c d%é\""]),
            "#/attr/a~1b~0c%20d%25%C3%A9%22"
        );
        assert_eq!(of(&[""]), "#/");
    }
}
