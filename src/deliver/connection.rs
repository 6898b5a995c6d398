//! One SMTP connection: the conversation, step by step, each with its deadline.
//!
//! Generic over the stream, so that plain sockets, TLS and tests run the same code. May not open
//! sockets, and may not decide what a refusal means ([`super::reply::judge`] does).
//!
//! The rule that keeps a letter from being counted wrongly: replies are matched to commands by
//! order alone, so after any error, deadline or cancellation the connection is dropped, never
//! used again. The owner of a [`Connection`] therefore uses it for another letter only after a clean
//! 250; what else it is good for, [`Left`] says.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};

use super::body::Lines;
use super::config::{Deadlines, Login};
use super::login;
use super::offers::Offers;
use super::reply::{Phase, Reply, judge};
use super::setback::{Left, Setback};
use super::wire::{Break, Interruption, Limit, Wire};
use super::{Envelope, Verdict};
use crate::model::address::spoken;
use crate::points::reach;

/// How much of the body is written at once, in bytes. Most letters fit, and then go in one write.
const BLOCK_SIZE: usize = 64 * 1_024;

/// A connection and what is known about it.
#[derive(Debug)]
pub(super) struct Connection<S> {
    wire: Wire<S>,
    peer: Arc<str>,
    deadlines: Deadlines,
    offers: Offers,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Takes over a connected stream. `peer` names the relay in what people read.
    pub(super) fn new(stream: S, peer: Arc<str>, deadlines: Deadlines) -> Self {
        Self {
            wire: Wire::new(stream),
            peer,
            deadlines,
            offers: Offers::default(),
        }
    }

    /// Waits for the greeting.
    pub(super) async fn greet(&mut self) -> Result<(), Setback> {
        reach("smtp-connected");
        let limit = Limit::start(self.deadlines.greeting);
        self.expect(Phase::Greeting, limit).await.map(drop)?;
        reach("smtp-greeted");
        Ok(())
    }

    /// Says EHLO and notes what is offered.
    pub(super) async fn hello(&mut self, name: &str) -> Result<Offers, Setback> {
        let limit = self.say(&format!("EHLO {name}\r\n"), Phase::Hello).await?;
        reach("smtp-hello");
        self.offers = Offers::parse(&self.expect(Phase::Hello, limit).await?);
        reach("smtp-ready");
        Ok(self.offers)
    }

    /// What was offered last.
    pub(super) const fn offers(&self) -> Offers {
        self.offers
    }

    /// Says STARTTLS and gives the stream back for the handshake.
    ///
    /// Bytes that came along with the 220 came in the clear, from whoever sat in between; read
    /// later they would answer commands said under TLS (CVE-2011-0411). So they end it here.
    pub(super) async fn start_tls(mut self) -> Result<S, Setback> {
        let limit = self.say("STARTTLS\r\n", Phase::Tls).await?;
        self.expect(Phase::Tls, limit).await?;
        let (stream, leftover) = self.wire.into_stream();
        if leftover {
            return Err(Setback::Broken {
                phase: Phase::Tls,
                cause: Break::Garbled("something was said in the clear after STARTTLS"),
            });
        }
        Ok(stream)
    }

    /// Logs in with the first mechanism that both sides know.
    pub(super) async fn log_in(&mut self, login: &Login) -> Result<(), Setback> {
        let script = login::script(login, self.offers, &self.peer).await;
        let script = script.map_err(self_stopped)?;
        let mut lines = script.lines.iter().peekable();
        while let Some(line) = lines.next() {
            let limit = self.say(line.reveal(), Phase::Auth).await?;
            if lines.peek().is_some() {
                self.expect_code(Phase::Auth, limit, |code| code == 334)
                    .await?;
                continue;
            }
            let last = |code| Phase::Auth.accepts(code) || code == 334;
            let reply = if script.refuses_by_challenge {
                self.expect_code(Phase::Auth, limit, last).await?
            } else {
                self.expect(Phase::Auth, limit).await?
            };
            if reply.code == 334 {
                return Err(self.refusal_of_token().await?);
            }
        }
        Ok(())
    }

    /// XOAUTH2 tells by a challenge what is wrong with the token; the refusal itself comes once an
    /// empty line has answered that.
    async fn refusal_of_token(&mut self) -> Result<Setback, Setback> {
        let limit = self.say("\r\n", Phase::Auth).await?;
        let reply = self
            .expect_code(Phase::Auth, limit, |code| code >= 400)
            .await?;
        Ok(Setback::Refused {
            phase: Phase::Auth,
            reply,
            in_sync: true,
        })
    }

    /// MAIL, RCPT and DATA, up to the 354.
    pub(super) async fn announce(
        &mut self,
        envelope: &Envelope,
        message: &[u8],
    ) -> Result<(), Setback> {
        let Envelope { from, to } = envelope;
        let (from, to) = (spoken(from.clone()), spoken(to.clone()));
        let parameters = self
            .offers
            .parameters([&from, &to], message, &self.peer)
            .map_err(Setback::Unfit)?;
        let mail = format!("MAIL FROM:<{from}>{parameters}\r\n");
        let rcpt = format!("RCPT TO:<{to}>\r\n");
        reach("smtp-announce");
        if self.offers.pipelining {
            let limit = self
                .say(&format!("{mail}{rcpt}DATA\r\n"), Phase::Mail)
                .await?;
            reach("smtp-said");
            return self.hear_pipelined(limit).await;
        }
        for (phase, line) in [
            (Phase::Mail, mail.as_str()),
            (Phase::Rcpt, rcpt.as_str()),
            (Phase::Data, "DATA\r\n"),
        ] {
            let limit = self.say(line, phase).await?;
            reach("smtp-said");
            self.expect(phase, limit).await?;
        }
        Ok(())
    }

    /// The three replies to MAIL, RCPT and DATA in one. The first refusal counts; the replies
    /// after it only tell whether the server now waits for a body. If it does (354 although it
    /// refused the recipient), there is no way to take DATA back: a dot would send an empty
    /// letter, so the connection just ends.
    async fn hear_pipelined(&mut self, mut limit: Limit) -> Result<(), Setback> {
        let mut refusal: Option<(Phase, Reply)> = None;
        let mut in_sync = false;
        for phase in [Phase::Mail, Phase::Rcpt, Phase::Data] {
            // Each reply has its own time, from the one before on.
            if refusal.is_none() && phase != Phase::Mail {
                limit = self.limit(phase);
            }
            match (self.wire.hear(limit).await, &refusal) {
                (Ok(reply), None) if phase.accepts(reply.code) => {}
                (Ok(reply), None) => {
                    in_sync = reply.code >= 400;
                    refusal = Some((phase, reply));
                    // What is left says nothing more about the message.
                    limit = Limit::start(self.deadlines.quit);
                }
                // The last one counts: whether DATA was refused.
                (Ok(reply), Some(_)) => in_sync = reply.code >= 400,
                (Err(cause), None) => return Err(Setback::Broken { phase, cause }),
                (Err(_), Some(_)) => {
                    in_sync = false;
                    break;
                }
            }
        }
        match refusal {
            None => Ok(()),
            Some((phase, reply)) => Err(Setback::Refused {
                phase,
                reply,
                in_sync,
            }),
        }
    }

    /// The body, the commit, the dot. Call it once [`Self::announce`] has passed.
    ///
    /// # Errors
    /// The error of `commit`; the dot wasn't sent.
    pub(super) async fn hand_over<E, C>(
        &mut self,
        message: &[u8],
        commit: C,
    ) -> Result<(Verdict, Left), E>
    where
        C: Future<Output = Result<bool, E>>,
    {
        reach("smtp-accepted");
        if let Err(setback) = self.send_body(message).await {
            // Who refuses and hangs up has said why; the failed write doesn't.
            let setback = match self.refused_midway().await {
                Some(refusal @ Setback::Refused { .. }) => refusal,
                _ => setback,
            };
            return Ok((setback.verdict(&self.peer), Left::Nothing));
        }
        reach("smtp-body");
        // Whoever hangs up or refuses in the middle is noticed before the commit and once more
        // after it, because then the outcome is still certain: not delivered.
        if let Some(setback) = self.refused_midway().await {
            return Ok((setback.verdict(&self.peer), Left::Nothing));
        }
        if !commit.await? {
            return Ok((Verdict::Withdrawn, Left::Nothing));
        }
        reach("smtp-committed");
        if let Some(setback) = self.refused_midway().await {
            return Ok((setback.verdict(&self.peer), Left::Nothing));
        }
        // From here on nothing but a reply can tell what became of the message: even a failed
        // write may have reached the server.
        self.wire.output.extend_from_slice(b".\r\n");
        let limit = self.limit(Phase::Dot);
        let reply = match self.wire.send(limit).await {
            Ok(()) => {
                reach("smtp-dot");
                self.wire.hear(limit).await
            }
            Err(cause) => Err(cause),
        };
        reach("smtp-answered");
        Ok(match reply {
            Ok(reply) => {
                let left = match reply.code {
                    code if Phase::Dot.accepts(code) => Left::Open,
                    421 => Left::Nothing,
                    400..=599 => Left::Leaving,
                    _ => Left::Nothing,
                };
                (judge(Phase::Dot, &reply), left)
            }
            Err(cause) => {
                let reply = format!("{}, {}: {cause}", self.peer, Phase::Dot);
                (Verdict::Unknown { reply }, Left::Nothing)
            }
        })
    }

    /// Takes leave; nothing depends on it. Must not be called while the server waits for a body.
    pub(super) async fn quit(mut self) {
        let limit = Limit::start(self.deadlines.quit);
        self.wire.output.extend_from_slice(b"QUIT\r\n");
        if self.wire.send(limit).await.is_ok() {
            drop(self.wire.hear(limit).await);
        }
    }

    async fn send_body(&mut self, message: &[u8]) -> Result<(), Setback> {
        let mut lines = Lines::new(message);
        while lines.fill(&mut self.wire.output, BLOCK_SIZE) {
            let limit = Limit::start(self.deadlines.block);
            self.send(limit, Phase::Data).await?;
        }
        Ok(())
    }

    /// The time for a step, from now on.
    fn limit(&self, phase: Phase) -> Limit {
        Limit::start(match phase {
            Phase::Connect => self.deadlines.connect,
            Phase::Tls | Phase::Hello | Phase::Auth | Phase::Mail | Phase::Rcpt => {
                self.deadlines.command
            }
            Phase::Greeting => self.deadlines.greeting,
            Phase::Data => self.deadlines.data,
            Phase::Dot => self.deadlines.dot,
        })
    }

    /// Says a command; its reply has to be there within the limit that this gives.
    ///
    /// Not before the server's last word is read: said too early, it would be taken for the
    /// answer to this command, and every later one for the answer to the next.
    async fn say(&mut self, line: &str, phase: Phase) -> Result<Limit, Setback> {
        match self.wire.interruption().await {
            None => {}
            Some(Interruption::Reply(reply)) if reply.code == 421 => {
                return Err(Setback::Refused {
                    phase,
                    reply,
                    in_sync: false,
                });
            }
            Some(Interruption::Break(cause)) => return Err(Setback::Broken { phase, cause }),
            // A refusal of what nobody has asked is no answer about this message.
            Some(Interruption::Reply(_)) => {
                let cause = Break::OutOfTurn;
                return Err(Setback::Broken { phase, cause });
            }
        }
        let limit = self.limit(phase);
        self.wire.output.extend_from_slice(line.as_bytes());
        self.send(limit, phase).await?;
        Ok(limit)
    }

    async fn send(&mut self, limit: Limit, phase: Phase) -> Result<(), Setback> {
        let sent = self.wire.send(limit).await;
        sent.map_err(|cause| Setback::Broken { phase, cause })
    }

    async fn expect(&mut self, phase: Phase, limit: Limit) -> Result<Reply, Setback> {
        self.expect_code(phase, limit, |code| phase.accepts(code))
            .await
    }

    async fn expect_code(
        &mut self,
        phase: Phase,
        limit: Limit,
        accepts: impl Fn(u16) -> bool,
    ) -> Result<Reply, Setback> {
        match self.wire.hear(limit).await {
            Ok(reply) if accepts(reply.code) => Ok(reply),
            Ok(reply) => Err(Setback::Refused {
                phase,
                in_sync: reply.code >= 400,
                reply,
            }),
            Err(cause) => Err(Setback::Broken { phase, cause }),
        }
    }

    /// What the server says of the body without waiting for the dot: here it may refuse.
    async fn refused_midway(&mut self) -> Option<Setback> {
        let phase = Phase::Data;
        Some(match self.wire.interruption().await? {
            Interruption::Break(cause) => Setback::Broken { phase, cause },
            Interruption::Reply(reply) => Setback::Refused {
                phase,
                reply,
                in_sync: false,
            },
        })
    }
}

/// A setback that ends the use of this relay.
fn self_stopped(reply: String) -> Setback {
    Setback::Unfit(Verdict::Stopped { reply })
}
