//! What one transaction of the writer takes, and in which order it is done.
//!
//! May not touch the database.

use std::collections::HashMap;

use super::Entry;
use super::claims::Changes;
use super::outbox::{Claim, CommitToSend, Op, Record, Reply};
use super::phases::Round;

/// What one transaction does, by phase.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) records: Vec<(Record, Option<Reply<bool>>)>,
    pub(super) commits: Vec<(CommitToSend, Reply<bool>)>,
    pub(super) claims: Vec<(Claim, Reply<Vec<Entry>>)>,
}

/// What came of it, in the batch's order.
pub(super) struct Done {
    pub(super) records: Vec<bool>,
    pub(super) commits: Vec<bool>,
    pub(super) claims: Vec<Vec<Entry>>,
    pub(super) changes: Changes,
}

impl Batch {
    pub(super) fn add(&mut self, op: Op) {
        match op {
            Op::Record(record, reply) => self.records.push((record, reply)),
            Op::Commit(commit, reply) => self.commits.push((commit, reply)),
            Op::Claim(claim, reply) => self.claims.push((claim, reply)),
            Op::Release(_) | Op::Flush(_) | Op::Stop => {}
        }
    }

    pub(super) fn len(&self) -> usize {
        self.records.len() + self.commits.len() + self.claims.len()
    }

    /// Whether it only notes what happened already.
    pub(super) fn is_of_records(&self) -> bool {
        self.commits.is_empty() && self.claims.is_empty()
    }

    /// One batch for each request.
    pub(super) fn singly(self) -> impl Iterator<Item = Self> {
        let records = self.records.into_iter().map(|(a, b)| Op::Record(a, b));
        let commits = self.commits.into_iter().map(|(a, b)| Op::Commit(a, b));
        let claims = self.claims.into_iter().map(|(a, b)| Op::Claim(a, b));
        records.chain(commits).chain(claims).map(|op| {
            let mut one = Self::default();
            one.add(op);
            one
        })
    }

    /// Splits records and then commits into rounds in which no entry comes twice.
    pub(super) fn in_rounds(&self) -> Vec<Round<'_>> {
        let mut rounds = Vec::new();
        let mut turns: HashMap<&str, usize> = HashMap::new();
        for (place, (one, _)) in self.records.iter().enumerate() {
            let turn = turns.entry(&one.id).or_default();
            if let Some(round) = nth(&mut rounds, turn) {
                round.records.push((place, one));
            }
        }
        for (place, (one, _)) in self.commits.iter().enumerate() {
            let turn = turns.entry(&one.id).or_default();
            if let Some(round) = nth(&mut rounds, turn) {
                round.commits.push((place, one));
            }
        }
        rounds
    }
}

/// The round of an entry's next turn, which is begun where it isn't there yet.
fn nth<'r, 'a>(rounds: &'r mut Vec<Round<'a>>, turn: &mut usize) -> Option<&'r mut Round<'a>> {
    let n = *turn;
    *turn += 1;
    if rounds.len() <= n {
        rounds.push(Round::default());
    }
    rounds.get_mut(n)
}
