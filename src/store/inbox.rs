//! What waits for the writer, and how long the writer waits for more.
//!
//! May not touch the database.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::outbox::Op;

/// Requests that may wait; whoever comes later waits to be let in.
pub(super) const QUEUE: usize = 1024;

/// Requests that one transaction takes.
const TOGETHER: usize = 256;

/// From this on a transaction is slow. A quicker one ends before its letters could be gathered, and
/// a clock of whole milliseconds couldn't wait for them.
const SLOW: Duration = Duration::from_millis(3);

/// So much of the last transaction's time, at most, the next one waits for its letters.
const PATIENCE: f32 = 0.75;

/// The requests to the writer, in the order in which they came.
///
/// A connection asks for its next letter shortly after its last one was committed, when the
/// transaction of the others has already begun: so every letter waits for two of them. Where they
/// are slow, a short wait lets all letters share one.
#[derive(Debug)]
pub(super) struct Inbox {
    ops: mpsc::Receiver<Op>,
    waiting: Vec<Op>,
    /// How long the last transaction took, from its begin until it was durable.
    took: Duration,
    /// The letters that it committed, and those that waited for its end.
    letters: usize,
}

impl Inbox {
    pub(super) fn new(ops: mpsc::Receiver<Op>) -> Self {
        Self {
            ops,
            waiting: Vec::with_capacity(TOGETHER),
            took: Duration::ZERO,
            letters: 0,
        }
    }

    /// Waits until there is something to do; `false` when there never will be. May be cancelled:
    /// nothing gets lost.
    pub(super) async fn wait(&mut self) -> bool {
        if self.waiting.is_empty() {
            return self.ops.recv_many(&mut self.waiting, TOGETHER).await > 0;
        }
        self.fill();
        true
    }

    /// A transaction with so many letters has ended, and nobody has been told yet.
    pub(super) fn note(&mut self, took: Duration, letters: usize) {
        self.fill();
        self.took = took;
        self.letters = letters + letters_in(&self.waiting);
    }

    /// On a slow disk, waits a moment for the letters that are probably near.
    pub(super) async fn gather(&mut self) {
        if self.took < SLOW {
            return;
        }
        let until = Instant::now() + self.took.mul_f32(PATIENCE);
        while self.expects_more() {
            let room = TOGETHER - self.waiting.len();
            match timeout_at(until, self.ops.recv_many(&mut self.waiting, room)).await {
                Ok(came) if came > 0 => {}
                _ => break,
            }
        }
    }

    /// Everything that waits.
    pub(super) fn take(&mut self) -> Vec<Op> {
        std::mem::replace(&mut self.waiting, Vec::with_capacity(TOGETHER))
    }

    /// Takes in what has come.
    fn fill(&mut self) {
        while self.waiting.len() < TOGETHER
            && let Ok(op) = self.ops.try_recv()
        {
            self.waiting.push(op);
        }
    }

    /// Somebody who waits for something else than letters is let through.
    fn expects_more(&self) -> bool {
        let others = |op: &Op| matches!(op, Op::Release(_) | Op::Flush(_) | Op::Stop);
        let letters = letters_in(&self.waiting);
        self.waiting.len() < TOGETHER
            && letters > 0
            && letters < self.letters
            && !self.waiting.iter().any(others)
    }
}

fn letters_in(waiting: &[Op]) -> usize {
    let letters = waiting.iter().filter(|op| matches!(op, Op::Commit(..)));
    letters.count()
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::super::suite::commit;
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn letter() -> Op {
        Op::Commit(commit("e", 1), oneshot::channel().0)
    }

    /// An inbox whose last transaction took so long and had two letters, a third waiting meanwhile;
    /// the first of the two comes back after 1 ms, the second after 2 ms.
    fn inbox(took: Duration) -> (Inbox, mpsc::Sender<Op>) {
        let (asks, ops) = mpsc::channel(QUEUE);
        let mut inbox = Inbox::new(ops);
        asks.try_send(letter()).unwrap();
        inbox.note(took, 2);
        let later = asks.clone();
        let back = async move {
            for _ in 0..2 {
                tokio::time::sleep(MS).await;
                later.send(letter()).await.unwrap();
            }
        };
        tokio::task::spawn_local(back);
        (inbox, asks)
    }

    async fn gathered(took: Duration, more: Option<Op>) -> (usize, Duration) {
        let all = async {
            let (mut inbox, asks) = inbox(took);
            assert!(inbox.wait().await);
            if let Some(more) = more {
                asks.try_send(more).unwrap();
            }
            let begun = Instant::now();
            inbox.gather().await;
            (letters_in(&inbox.take()), begun.elapsed())
        };
        tokio::task::LocalSet::new().run_until(all).await
    }

    #[tokio::test(start_paused = true)]
    async fn on_a_slow_disk_letters_that_are_near_share_a_transaction() {
        assert_eq!(gathered(8 * MS, None).await, (3, 2 * MS));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_longer_than_most_of_a_transaction_for_what_does_not_come() {
        assert_eq!(gathered(4 * MS, Some(letter())).await, (3, MS));
        let (asks, ops) = mpsc::channel(QUEUE);
        let mut inbox = Inbox::new(ops);
        asks.try_send(letter()).unwrap();
        inbox.note(8 * MS, 5);
        let begun = Instant::now();
        inbox.gather().await;
        assert_eq!(begun.elapsed(), 6 * MS);
    }

    #[tokio::test(start_paused = true)]
    async fn on_a_quick_disk_nobody_waits() {
        assert_eq!(gathered(2 * MS, None).await, (1, Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn who_wants_everything_written_is_let_through() {
        let flush = Op::Flush(oneshot::channel().0);
        assert_eq!(gathered(8 * MS, Some(flush)).await, (1, Duration::ZERO));
    }
}
