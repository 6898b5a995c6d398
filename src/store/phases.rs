//! The phases of the writer's transaction: what became of entries, and the last look before the dot.
//!
//! May not begin or end a transaction.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::claims::Turn;
use super::columns::{address_key, json, nonsense};
use super::dialect::{Bulk, Connection, begin_write, lists_of, rows, texts, together};
use super::marks::forgotten_key;
use super::outbox::{CommitToSend, Record};
use super::suppression::suppress;
use crate::model::Reason;
use crate::model::policy::Audience;
use crate::points::reach;

/// What the phases need besides their requests.
pub(super) struct Tools {
    secret: [u8; 32],
    letters: Bulk,
}

impl Tools {
    pub(super) fn new(secret: [u8; 32]) -> Self {
        let letters = Bulk::new(
            "INSERT INTO letter (entry, message)",
            2,
            "ON CONFLICT (entry) DO UPDATE SET message = excluded.message",
        );
        Self { secret, letters }
    }
}

/// Requests in which no entry comes twice, each with its place in the batch.
#[derive(Default)]
pub(super) struct Round<'a> {
    pub(super) records: Vec<(usize, &'a Record)>,
    pub(super) commits: Vec<(usize, &'a CommitToSend)>,
}

/// Which part of its transaction a round is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// Something in it.
    Within,
}

/// The places of those that were written; anything else stays as it is.
#[derive(Default)]
pub(super) struct Passed {
    pub(super) records: Vec<usize>,
    pub(super) commits: Vec<usize>,
}

/// An entry's number, and since when it is being sent, in milliseconds, if it is.
type Known = (i64, Option<i64>);

/// Who may be changed: the requests with their entries' numbers.
struct Fit<'a> {
    records: Vec<(Known, usize, &'a Record)>,
    commits: Vec<(i64, usize, &'a CommitToSend)>,
    /// Whom something goes to.
    customers: HashSet<String>,
}

/// Writes a round: what became of claimed entries and of those being sent, and who passes the last
/// look before the dot.
///
/// An address that a relay just refused stops a commit of the same round. Of two entries of one
/// customer only the first passes: the other was decided on a view without it.
///
/// Handing a statement to the driver has its price in changes of thread, whatever the statement
/// does. So one looks who passes, one keeps the letters, and one changes all the rest; where
/// nothing else belongs into the transaction, the first also begins it and the last commits it.
pub(super) async fn settle<'a>(
    tx: &mut Connection,
    tools: &Tools,
    (round, part): (&Round<'a>, Part),
    turn: &mut Turn<'a>,
) -> sqlx::Result<Passed> {
    for (_, one) in &round.records {
        if let Some(address) = &one.suppress {
            if is_forgotten(tx, &tools.secret, address).await? {
                continue;
            }
            // The relay's verdict on an address holds whatever became of the entry.
            let reason = one.reason.unwrap_or(Reason::BadAddress);
            suppress(tx, &address_key(address), reason.as_str(), one.now).await?;
        }
    }
    let fit = look(tx, tools, (round, part), turn).await?;
    reach("phase-looked");
    keep_letters(tx, &tools.letters, &fit.commits).await?;
    describe(tx, &fit).await?;
    change(tx, &fit, part).await?;
    let records = fit.records.iter().map(|(_, _, one)| &one.id);
    let commits = fit.commits.iter().map(|(_, _, one)| &one.id);
    for id in records.chain(commits) {
        turn.end(id);
    }
    Ok(Passed {
        records: fit.records.iter().map(|(_, place, _)| *place).collect(),
        commits: fit.commits.iter().map(|(_, place, _)| *place).collect(),
    })
}

/// Whether it is the address of somebody who was forgotten while it was asked for: its mark says all
/// that is to be known of it.
async fn is_forgotten(tx: &mut Connection, secret: &[u8; 32], address: &str) -> sqlx::Result<bool> {
    let known: Option<i64> = sqlx::query_scalar("SELECT 1 FROM suppression WHERE address = $1")
        .bind(forgotten_key(secret, address))
        .fetch_optional(tx)
        .await?;
    Ok(known.is_some())
}

/// The statement of [`look`].
macro_rules! look {
    () => {
        concat!(
            "SELECT (SELECT ",
            lists_of!(
                "CAST(value->>1 AS BIGINT), ledger.number, \
                 CASE WHEN ledger.outcome = 'sending' THEN ledger.decided_at END"
            ),
            " FROM ",
            rows!("$1"),
            " CROSS JOIN ledger WHERE ledger.id = value->>0 AND value->>2 <> 'sending' \
             AND (ledger.outcome = 'sending' \
                  OR (CAST(value->>3 AS BIGINT) = 1 \
                      AND ledger.outcome IN ('planned', 'deferred', 'held') \
                      AND (value->>2 NOT IN ('sent', 'unknown') \
                           OR (value->>2 = 'unknown' AND ledger.only_via IS NOT NULL))))), \
         (SELECT ",
            lists_of!("CAST(value->>1 AS BIGINT), entry.number, entry.customer"),
            " FROM ",
            rows!("$2"),
            " CROSS JOIN ledger entry CROSS JOIN customer c \
         WHERE entry.number = CAST(value->>6 AS BIGINT) AND entry.id = value->>0 \
           AND entry.outcome IN ('planned', 'deferred', 'held') \
           AND c.id = entry.customer AND c.revision = CAST(value->>2 AS BIGINT) \
           AND NOT EXISTS (SELECT 1 FROM suppression s WHERE s.address = value->>5) \
           AND NOT EXISTS (SELECT 1 FROM paused p WHERE p.rule = '') \
           AND NOT EXISTS (SELECT 1 FROM paused p WHERE p.rule = entry.rule) \
           AND NOT EXISTS (SELECT 1 FROM approval a WHERE a.rule = entry.rule \
                           AND a.day = entry.due_day AND a.approved = 0) \
           AND (CAST(value->>3 AS BIGINT) = 1 \
                OR NOT EXISTS (SELECT 1 FROM suppression s WHERE s.address = value->>4)))"
        )
    };
}

/// Looks who is in a state from which this can become of them.
async fn look<'a>(
    tx: &mut Connection,
    tools: &Tools,
    (round, part): (&Round<'a>, Part),
    turn: &Turn<'_>,
) -> sqlx::Result<Fit<'a>> {
    let records: Vec<_> = round
        .records
        .iter()
        .map(|(place, one)| {
            let in_hand = i64::from(turn.number(&one.id).is_some());
            (&one.id, place, one.outcome.as_str(), in_hand)
        })
        .collect();
    let commits: Vec<_> = round
        .commits
        .iter()
        .filter_map(|(place, one)| Some((place, one, turn.number(&one.id)?)))
        .map(|(place, one, number)| {
            let address = address_key(&one.recipient);
            // Staff and owner may have forgotten themselves as customers.
            let forgotten = (one.audience == Audience::Customer)
                .then(|| forgotten_key(&tools.secret, &one.recipient));
            let service = i64::from(one.service);
            (
                &one.id,
                place,
                one.revision,
                service,
                address,
                forgotten,
                number,
            )
        })
        .collect();
    let text = match part {
        Part::Whole => together!(begin_write!(), look!()),
        Part::Within => look!(),
    };
    let (records, commits): (String, String) = sqlx::query_as(text)
        .bind(json(&records)?)
        .bind(json(&commits)?)
        .fetch_one(&mut *tx)
        .await?;
    let garbled = |error| nonsense(format!("a list of entries: {error}"));
    let records: Vec<(usize, i64, Option<i64>)> =
        serde_json::from_str(&records).map_err(garbled)?;
    let commits: Vec<(usize, i64, String)> = serde_json::from_str(&commits).map_err(garbled)?;
    Ok(matched(round, records, commits))
}

/// Finds the requests again by their places, in their order.
fn matched<'a>(
    round: &Round<'a>,
    records: Vec<(usize, i64, Option<i64>)>,
    commits: Vec<(usize, i64, String)>,
) -> Fit<'a> {
    let known: HashMap<usize, Known> = records
        .into_iter()
        .map(|(place, number, since)| (place, (number, since)))
        .collect();
    let mut commits: HashMap<usize, (i64, String)> = commits
        .into_iter()
        .map(|(place, number, customer)| (place, (number, customer)))
        .collect();
    let mut customers = HashSet::with_capacity(commits.len());
    let records = round.records.iter();
    let fit_records = records.filter_map(|(place, one)| Some((*known.get(place)?, *place, *one)));
    let fit_commits = round.commits.iter().filter_map(|(place, one)| {
        let (number, customer) = commits.remove(place)?;
        let counts = one.audience == Audience::Customer;
        (!counts || customers.insert(customer)).then_some((number, *place, *one))
    });
    let (records, commits) = (fit_records.collect(), fit_commits.collect());
    Fit {
        records,
        commits,
        customers,
    }
}

async fn keep_letters(
    tx: &mut Connection,
    letters: &Bulk,
    going: &[(i64, usize, &CommitToSend)],
) -> sqlx::Result<()> {
    for some in going.chunks(Bulk::ROWS) {
        let mut query = letters.query(some.len());
        for (number, _, one) in some {
            query = query.bind(*number).bind(Arc::clone(&one.message));
        }
        query.execute(&mut *tx).await?;
    }
    Ok(())
}

/// The statements of [`change`].
macro_rules! change {
    () => {
        together!(
            concat!(
                "UPDATE ledger SET outcome = op.outcome, reason = op.reason, \
             reply = COALESCE(op.reply, ledger.reply), \
             sent_at = COALESCE(op.sent_at, ledger.sent_at), \
             next_attempt_at = CASE WHEN op.outcome IN ('planned', 'deferred') \
                 THEN COALESCE(op.next_attempt_at, op.at) \
                 WHEN op.outcome = 'held' THEN op.next_attempt_at END, \
             decided_at = CASE WHEN ledger.outcome = 'sending' THEN ledger.decided_at \
                 ELSE op.at END, \
             attempts = attempts + CASE WHEN ledger.outcome <> 'sending' THEN op.attempted \
                 WHEN op.outcome = 'deferred' THEN op.attempted - 1 ELSE 0 END \
         FROM (SELECT CAST(value->>0 AS BIGINT) AS number, value->>1 AS outcome, \
             value->>2 AS reason, value->>3 AS reply, CAST(value->>4 AS BIGINT) AS at, \
             CAST(value->>6 AS BIGINT) AS sent_at, \
             CAST(value->>7 AS BIGINT) AS next_attempt_at, \
             CAST(value->>8 AS BIGINT) AS attempted FROM ",
                rows!("$1"),
                ") AS op WHERE ledger.number = op.number"
            ),
            concat!(
                "UPDATE ledger SET outcome = 'sending', reason = NULL, reply = NULL, \
             next_attempt_at = NULL, attempts = attempts + 1, \
             decided_at = CAST(value->>1 AS BIGINT), recipient = value->>2, \
             subject = value->>3, template = value->>4, language = value->>5, \
             message_id = value->>6, via = value->>7, audience = value->>8, class = value->>9 FROM ",
                rows!("$2"),
                " WHERE ledger.number = CAST(value->>0 AS BIGINT)"
            ),
            concat!(
                "UPDATE customer SET revision = revision + 1 WHERE id IN ",
                texts!("$3")
            ),
            "UPDATE presence SET letters = letters + $4 WHERE $4 > 0",
            concat!(
                "INSERT INTO history (entry, at, outcome, reason, reply, began_at) \
         SELECT CAST(value->>0 AS BIGINT), CAST(value->>4 AS BIGINT), value->>1, value->>2, \
             value->>3, CAST(value->>5 AS BIGINT) FROM ",
                rows!("$1")
            ),
        )
    };
}

/// Changes entries, raises the revisions of those whom something goes to, counts what goes, and
/// appends to the histories.
async fn change(tx: &mut Connection, fit: &Fit<'_>, part: Part) -> sqlx::Result<()> {
    let moment = |at: Option<Timestamp>| at.map(Timestamp::as_millisecond);
    let records = fit.records.iter().map(|((number, began), _, one)| {
        (
            number,
            one.outcome.as_str(),
            one.reason.map(Reason::as_str),
            &one.reply,
            one.now.as_millisecond(),
            began,
            moment(one.sent_at),
            moment(one.next_attempt_at),
            i64::from(one.attempted),
        )
    });
    let commits = fit.commits.iter().map(|(number, _, one)| {
        (
            number,
            one.now.as_millisecond(),
            &one.recipient,
            &one.subject,
            &one.template,
            &one.language,
            &one.message_id,
            &one.via,
            one.audience.as_str(),
            one.class.as_str(),
        )
    });
    let text = match part {
        Part::Whole => {
            reach("phase-commit");
            together!(change!(), "COMMIT")
        }
        Part::Within => change!(),
    };
    sqlx::query(text)
        .bind(json(&records.collect::<Vec<_>>())?)
        .bind(json(&commits.collect::<Vec<_>>())?)
        .bind(json(&fit.customers)?)
        .bind(i64::try_from(fit.commits.len()).unwrap_or(0))
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// Notes what is known of letters that never came to the dot.
async fn describe(tx: &mut Connection, fit: &Fit<'_>) -> sqlx::Result<()> {
    let known = fit.records.iter().filter(|(_, _, one)| {
        let all = [
            &one.recipient,
            &one.subject,
            &one.template,
            &one.language,
            &one.message_id,
        ];
        all.iter().any(|known| known.is_some())
    });
    let list: Vec<_> = known
        .map(|((number, _), _, one)| {
            (
                number,
                &one.recipient,
                &one.subject,
                &one.template,
                &one.language,
                &one.message_id,
            )
        })
        .collect();
    if list.is_empty() {
        return Ok(());
    }
    sqlx::query(concat!(
        "UPDATE ledger SET recipient = COALESCE(value->>1, recipient), \
             subject = COALESCE(value->>2, subject), template = COALESCE(value->>3, template), \
             language = COALESCE(value->>4, language), \
             message_id = COALESCE(value->>5, message_id) FROM ",
        rows!("$1"),
        " WHERE ledger.number = CAST(value->>0 AS BIGINT)"
    ))
    .bind(json(&list)?)
    .execute(&mut *tx)
    .await?;
    Ok(())
}
