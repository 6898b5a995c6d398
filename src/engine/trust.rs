//! Before a pass that is for real: whether the clock can be right, and whether this is the store
//! that was worked with. What is found is told, and a person's word on it is kept.
//!
//! The judgement itself is [`crate::decide::trust`]'s. Rehearsals and forecasts don't ask: they
//! send nothing, and live on copies under other clocks.

mod facts;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::letter::file_name;
use super::tick::is_in_place;
use super::{EngineError, House, Report, alert, digest};
use crate::clock::Clock;
pub use crate::decide::trust::Doubt;
use crate::decide::trust::{self, Papers, Times};
use crate::model::Matter;
use crate::model::presence::{Machine, Presence};
use crate::render::Phrases;
use crate::render::alert as words;
use crate::settings::Transport;
use crate::store::{Around, Standby, Waiting};

/// The trouble where the clock is in doubt …
const CLOCK: alert::Key<'static> = (Matter::STANDSTILL, Matter::CLOCK);
/// … and where the store is.
const COPY: alert::Key<'static> = (Matter::STANDSTILL, Matter::COPY);

/// Nothing is planned, sent or ended, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standstill {
    /// What is in doubt.
    pub doubt: Doubt,
    /// What makes somebody doubt, in a sentence or two.
    pub because: String,
}

impl Standstill {
    fn new(doubt: Doubt, zone: &TimeZone) -> Self {
        let english = Phrases::built_in().of(alert::ENGLISH);
        let because = words::because(doubt, zone, english);
        Self { doubt, because }
    }

    /// What is the matter in a few words that anybody may read: no place, no time.
    pub fn in_short(&self) -> &'static str {
        words::standstill(self.doubt, Phrases::built_in().of(alert::ENGLISH))
    }

    /// What a person can do.
    pub fn advice(&self) -> &'static str {
        words::advice(self.doubt, Phrases::built_in().of(alert::ENGLISH))
    }
}

/// Everything that is judged.
#[derive(Debug)]
struct Facts {
    says: Timestamp,
    machine: Machine,
    presence: Option<Presence>,
    standby: Standby,
    around: Around,
    strangers: u64,
}

impl Facts {
    fn times(&self) -> Times<'_> {
        Times {
            now: self.says,
            built: facts::built(),
            machine: &self.machine,
        }
    }

    fn clock(&self) -> Result<(), Doubt> {
        trust::clock(self.times(), self.presence.as_ref())
    }

    fn copy(&self, house: &House) -> Result<(), Doubt> {
        trust::copy(Papers {
            store: house.store.id(),
            presence: self.presence.as_ref(),
            beside: self.standby.beside.witness.as_ref(),
            place: self.standby.beside.place.as_deref(),
            elsewhere: self.standby.elsewhere.as_ref(),
            before: self.standby.before.as_ref(),
            machine: self.machine.id.as_deref(),
            strangers: self.strangers,
            now: self.says,
        })
    }
}

async fn gather(house: &House, look_into_outbox: bool) -> Result<Facts, EngineError> {
    let presence = house.store.presence().await?;
    let strangers = if look_into_outbox {
        facts::strangers(house, presence.as_ref()).await?
    } else {
        0
    };
    let around = facts::around(house, presence.as_ref());
    Ok(Facts {
        says: house.clock.says(),
        machine: facts::machine(house),
        standby: house.store.standby(&around)?,
        presence,
        around,
        strangers,
    })
}

/// Asks whether a pass may go, and if so, notes that it does; otherwise why it doesn't, which is
/// told to the owner. Only the holder of the store may call it.
///
/// # Errors
/// The store's trouble, or a file beside it that can't be used.
pub async fn enter(house: &House) -> Result<Option<Standstill>, EngineError> {
    let ours = house.store.brought_to();
    let facts = gather(house, ours.is_none()).await?;
    if let Err(doubt) = facts.clock() {
        // Whatever is written meanwhile bears the time as it must be.
        house
            .clock
            .know(trust::likely(facts.times(), facts.presence.as_ref()));
        return halt(house, doubt).await.map(Some);
    }
    house.clock.know(facts.says);
    let count = facts.presence.as_ref().map(|presence| presence.count);
    let foreign = ours.zip(count).is_some_and(|(ours, now)| now.exceeds(ours));
    let judged = if foreign {
        Err(Doubt::InTurns)
    } else {
        facts.copy(house)
    };
    if let Err(doubt) = judged {
        return halt(house, doubt).await.map(Some);
    }
    let next = match facts.presence.clone() {
        Some(presence) => presence,
        None => Presence::new(house.store.draw_epoch()?, facts.says),
    };
    let next = seen_now(next, &facts);
    house.store.begin_pass(&next, &facts.around).await?;
    digest::note_beginning(house).await?;
    for key in [CLOCK, COPY] {
        alert::ends(house, key).await?;
    }
    Ok(None)
}

/// With this pass in it.
fn seen_now(mut presence: Presence, facts: &Facts) -> Presence {
    presence.anchor = trust::anchor(facts.times(), facts.presence.as_ref());
    presence.elsewhere.clone_from(&facts.around.elsewhere);
    presence.note_machine(facts.machine.id.as_deref(), facts.says);
    presence.at = presence.at.max(facts.says);
    presence
}

/// Notes it, tells the owner, and forgets how far this process had brought the store.
async fn halt(house: &House, doubt: Doubt) -> Result<Standstill, EngineError> {
    house.store.leave();
    let halt = Standstill::new(doubt, &house.policy().zone);
    let matter = Matter::Standstill { doubt };
    let now = house.clock.now();
    if house.store.trouble_begins(&matter, now).await? {
        let (what, _) = alert::in_english(house, &matter);
        tracing::error!(why = halt.because, "{what}. {}", halt.advice());
    }
    let other = if doubt.is_of_the_clock() { COPY } else { CLOCK };
    house.store.trouble_ends(other).await?;
    alert::tell(house).await?;
    Ok(halt)
}

/// Where the clock can't be right, the house goes by the time as it must be: for whoever writes
/// moments into the store beside the daemon.
///
/// # Errors
/// The store's trouble.
pub async fn mind_the_clock(house: &House) -> Result<(), EngineError> {
    let presence = house.store.presence().await?;
    let machine = facts::machine(house);
    let times = Times {
        now: house.clock.says(),
        built: facts::built(),
        machine: &machine,
    };
    if trust::clock(times, presence.as_ref()).is_err() {
        house.clock.know(trust::likely(times, presence.as_ref()));
    }
    Ok(())
}

/// What a person says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Word {
    /// The clock is right.
    pub clock_is_right: bool,
    /// This copy of the store goes on, and no other.
    pub only_copy: bool,
    /// What came due up to now, and isn't sent as far as this copy knows, is sent.
    pub send_due: bool,
}

/// What stands in the way, and what would become of what is due.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// Doubts about the clock.
    pub clock: Option<Standstill>,
    /// Doubts about the store.
    pub copy: Option<Standstill>,
    /// The last moment that this copy has seen.
    pub seen: Option<Timestamp>,
    /// What the clock says.
    pub says: Timestamp,
    /// What is due by now, by rule, as far as this copy knows.
    pub waiting: Vec<Waiting>,
}

/// Looks at it; nothing is changed.
///
/// # Errors
/// The store's trouble.
pub async fn look(house: &House) -> Result<Look, EngineError> {
    let facts = gather(house, true).await?;
    let doubted = |judged: Result<(), Doubt>| {
        judged
            .err()
            .map(|doubt| Standstill::new(doubt, &house.policy().zone))
    };
    Ok(Look {
        clock: doubted(facts.clock()),
        copy: doubted(facts.copy(house)),
        seen: facts.presence.as_ref().map(|presence| presence.at),
        says: facts.says,
        waiting: house.store.waiting_by(facts.says).await?,
    })
}

/// What makes somebody doubt a clock where there is no store to hold it against.
pub fn clock_alone(clock: &Clock, zone: &TimeZone) -> Option<Standstill> {
    let machine = Machine::default();
    let times = Times {
        now: clock.says(),
        built: facts::built(),
        machine: &machine,
    };
    let doubt = trust::clock(times, None).err()?;
    Some(Standstill::new(doubt, zone))
}

/// Keeps a person's word, if it covers everything that is in doubt; otherwise nothing. What is
/// still in doubt then.
///
/// # Errors
/// The store's trouble, or a file beside it that can't be written.
pub async fn confirm(house: &House, word: Word) -> Result<Look, EngineError> {
    let look = look(house).await?;
    let open =
        (look.clock.is_some() && !word.clock_is_right) || (look.copy.is_some() && !word.only_copy);
    if open || (look.clock.is_none() && look.copy.is_none()) {
        return Ok(look);
    }
    let facts = gather(house, false).await?;
    let now = facts.says;
    house.clock.know(now);
    let mut next = match facts.presence.clone() {
        Some(presence) => presence,
        None => Presence::new(house.store.draw_epoch()?, now),
    };
    if look.copy.is_some() {
        let witnesses = [&facts.standby.beside.witness, &facts.standby.elsewhere];
        let witnesses = witnesses.into_iter().flatten();
        next.begin_anew(house.store.draw_epoch()?, witnesses);
        next.machines.clear();
        next.outbox_known_at = Some(now);
        if !word.send_due {
            next.in_doubt_until = next.in_doubt_until.max(Some(now));
        }
    }
    next = seen_now(next, &facts);
    if look.clock.is_some() {
        next.at = now;
        next.clock_confirmed_at = Some(now);
        next.anchor = trust::anchor(facts.times(), None);
    }
    house.store.adopt(&next, &facts.around).await?;
    for key in [CLOCK, COPY] {
        alert::ends(house, key).await?;
    }
    Ok(Look::default())
}

/// Ends what came due before a person said that this copy goes on, and may have gone out before:
/// as sent where its file is in place, otherwise as unknown. Where that can't be looked up, nothing
/// is ended, and the next pass looks again.
///
/// # Errors
/// The store's trouble, or an outbox that can't be read.
pub(super) async fn settle_doubt(house: &House, now: Timestamp) -> Result<Report, EngineError> {
    let mut report = Report::default();
    let presence = house.store.presence().await?;
    let Some(until) = presence.and_then(|presence| presence.in_doubt_until) else {
        return Ok(report);
    };
    let mut in_place = Vec::new();
    if let Transport::File { dir } = &house.plans.settings.mail.transport {
        let dir = dir.display().to_string();
        for entry in house.store.doubtful(until).await? {
            if is_in_place(&dir, &file_name(&entry))? {
                in_place.push(entry.id);
            }
        }
    }
    for (rule, outcome, reason) in house.store.doubt(until, &in_place, now).await? {
        report.count(&rule, outcome, reason);
    }
    Ok(report)
}
