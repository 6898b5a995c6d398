//! `fondly resume`: goes on after a pause, or where the clock or the store was in doubt and a
//! person says how it is.

use std::path::Path;

use super::summary::{counted, paused};
use super::{Done, Failure, Outcome, fields, house_at_hand, output, pause};
use crate::engine::House;
use crate::engine::trust::{self, Doubt, Look, Word};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "To move to another machine: `fondly pause`, stop fondly, copy the folder of the \
                        store, and `fondly resume` there. The old one stays paused."
)]
pub(super) struct Args {
    /// Only this rule, by its file's name; otherwise everything
    rule: Option<String>,
    /// The machine's clock is right, though fondly doubts it
    #[arg(long, conflicts_with = "rule")]
    clock_is_right: bool,
    /// This copy of the store goes on, and no other is at work. What came due up to now isn't sent:
    /// it counts as unknown, since it may have gone out
    #[arg(long, conflicts_with = "rule")]
    only_copy: bool,
    /// Send what came due up to now, though some of it may have gone out before
    #[arg(long, requires = "only_copy")]
    send_due: bool,
}

pub(super) async fn run(args: Args, config: &Path) -> Outcome {
    let house = house_at_hand(config).await?;
    let done = go_on(&house, &args).await;
    house.store.clone().close().await?;
    done
}

async fn go_on(house: &House, args: &Args) -> Outcome {
    let rule = args.rule.as_deref();
    let what = pause::named(house, rule).await?;
    let cleared = if rule.is_none() {
        match clear_up(house, args).await? {
            Cleared::StillInDoubt => return Ok(Done::NeedsAPerson),
            Cleared::Now => true,
            Cleared::NothingToDo => false,
        }
    } else {
        false
    };
    if house.store.resume(rule).await? {
        output::say(format!(
            "{what} goes on. What is later by now than its rule's `late` allows ends as too-late."
        ))?;
    } else if !cleared {
        output::say(match rule {
            Some(_) => format!("{what} isn't paused by itself"),
            None => "Nothing is paused".to_owned(),
        })?;
    }
    for line in paused(&house.store.paused().await?, &house.policy().zone) {
        output::note(line);
    }
    Ok(Done::Well)
}

/// What became of the doubts.
enum Cleared {
    NothingToDo,
    Now,
    StillInDoubt,
}

async fn clear_up(house: &House, args: &Args) -> Result<Cleared, Failure> {
    let look = trust::look(house).await?;
    if look.clock.is_none() && look.copy.is_none() {
        if args.clock_is_right || args.only_copy {
            output::note("Neither the clock nor the store is in doubt.");
        }
        return Ok(Cleared::NothingToDo);
    }
    if look.copy.is_some() && house.plans.broken.mail {
        // Letters that lie there tell whether another copy was at work.
        return Err(Failure::Trouble(anyhow::anyhow!(
            "whether this is the only copy of the store can't be judged while [mail] can't be read; \
             mend it first (`fondly check` says what is wrong)"
        )));
    }
    let moved = look.copy.as_ref().is_some_and(|halt| {
        // While everything was paused, nothing left where it was.
        matches!(halt.doubt, Doubt::Copied | Doubt::Alone)
    }) && house.store.paused().await?.all.is_some();
    let word = Word {
        clock_is_right: args.clock_is_right,
        only_copy: args.only_copy || moved,
        send_due: args.send_due || moved,
    };
    let left = trust::confirm(house, word).await?;
    if left.clock.is_some() || left.copy.is_some() {
        tell(house, &left)?;
        return Ok(Cleared::StillInDoubt);
    }
    if look.clock.is_some() {
        let now = fields::local(look.says, &house.policy().zone);
        output::say(format!("The clock is right, then: it is {now}."))?;
    }
    if look.copy.is_some() {
        output::say(match (moved, word.send_due) {
            (true, _) => "The store has moved here. It was paused, so nothing was sent meanwhile.",
            (false, true) => "This copy of the store goes on, and sends what came due up to now.",
            (false, false) => {
                "This copy of the store goes on. What came due up to now isn't sent: it counts as \
                 unknown, and `fondly log --outcome unknown` lists it after the next pass."
            }
        })?;
    }
    Ok(Cleared::Now)
}

/// What is in doubt, what would happen, and how to say what.
fn tell(house: &House, look: &Look) -> Result<(), Failure> {
    let zone = &house.policy().zone;
    let now = fields::local(look.says, zone);
    if let Some(halt) = &look.clock {
        output::say(&halt.because)?;
        output::say(format!(
            "It says {now}. Mend it, and fondly goes on by itself."
        ))?;
        output::say("- `fondly resume --clock-is-right` goes on, if that is the time.")?;
    }
    let Some(halt) = &look.copy else {
        return Ok(());
    };
    output::say(&halt.because)?;
    if let Some(seen) = look.seen {
        let seen = fields::local(seen, zone);
        output::say(format!(
            "It ends at {seen}. What was sent, unsubscribed or approved later can't be seen in it."
        ))?;
    }
    let waiting = look.waiting.iter().map(|one| {
        let letters = counted(one.letters, "letter");
        format!("{letters} of {}", house.title(&one.rule))
    });
    let waiting: Vec<String> = waiting.collect();
    if !waiting.is_empty() {
        output::say(format!(
            "Due by now ({now}), and not sent as far as it knows: {}. They may have gone out.",
            waiting.join(", ")
        ))?;
    }
    output::say("Make sure that no other copy of it is at work, here or elsewhere. Then:")?;
    let both = if look.clock.is_some() {
        " --clock-is-right"
    } else {
        ""
    };
    output::say(format!(
        "- `fondly resume{both} --only-copy` goes on with this one. What came due up to now isn't \
         sent: it counts as unknown, and `fondly resolve` settles it letter by letter."
    ))?;
    output::say(format!(
        "- `fondly resume{both} --only-copy --send-due` sends it as well: some people may get a \
         letter twice."
    ))?;
    Ok(())
}
