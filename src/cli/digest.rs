//! `fondly digest`: the owner's weekly letter, as it would be sent now.

use std::path::Path;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

use super::summary::counted;
use super::{Done, Failure, Outcome, fields, house, house_for_review, output};
use crate::engine::House;
use crate::engine::digest::{self, Handed, Period};
use crate::model::dates::civil_date;

/// What the letter tells, below the options.
const MEANING: &str = "\
The letter goes to every address of `[business] owner`, at the times of `[schedule] digest`, from `fondly \
run` or the first `fondly tick` after such a time. One that was missed (the machine was off) comes late, \
once, and tells of all the time since the one before it. The first tells of the days since fondly began, \
if that is a day at least. It comes also when nothing was sent: silence would mean that something is wrong.

A letter counts as one that asked for something when its rule waits for a silence or a change of usage, or \
is marketing about an event or a date; greetings, thanks, surprises, and words about what somebody asked \
for count as care.";

#[derive(Debug, clap::Args)]
#[command(after_long_help = MEANING)]
pub(super) struct Args {
    /// Tells of the seven days up to the end of this day (2027-05-02); without it, of all since the
    /// last letter
    #[arg(long, value_name = "DATE", value_parser = civil_date)]
    until: Option<Date>,
    /// Sends it now to every owner, beside those of the schedule
    #[arg(long)]
    send: bool,
}

pub(super) async fn run(args: Args, config: &Path) -> Outcome {
    let house = if args.send {
        house(config).await?
    } else {
        house_for_review(config).await?
    };
    let done = Box::pin(work(&args, &house)).await;
    house.store.close().await?;
    done
}

async fn work(args: &Args, house: &House) -> Outcome {
    let now = house.clock.now();
    let period = match args.until {
        Some(day) => week(house, day, now)?,
        None => digest::until_now(house, now).await?,
    };
    if args.send {
        return told(digest::send_now(house, period).await?);
    }
    let letter = digest::letter(house, period).await?;
    let owners = &house.plans.settings.business.owner;
    let to: Vec<String> = owners.iter().map(|owner| owner.email.to_string()).collect();
    let nobody = "nobody: `[business] owner` names no address";
    let to = if to.is_empty() {
        nobody.to_owned()
    } else {
        to.join(", ")
    };
    output::say(format!("To:      {to}"))?;
    output::say(format!("Subject: {}\n", letter.subject))?;
    output::lines(&letter.text)?;
    history(house, now).await?;
    Ok(Done::Well)
}

/// The seven days up to the end of a day, or up to now.
fn week(house: &House, day: Date, now: Timestamp) -> Result<Period, Failure> {
    if day > house.today(now) {
        let words = format!("{day} lies ahead; `fondly forecast` tells what is to come");
        return Err(Failure::Usage(words));
    }
    let end = day.checked_add(1.day()).map_err(anyhow::Error::from)?;
    let end = house.policy().zone.to_timestamp(end.at(0, 0, 0, 0));
    // The day's last moment, so that the letter names the day itself.
    let end = end.map_err(anyhow::Error::from)? - SignedDuration::from_millis(1);
    let begin = day.checked_sub(6.days()).map_err(anyhow::Error::from)?;
    let begin = house.policy().zone.to_timestamp(begin.at(0, 0, 0, 0));
    Ok(Period {
        since: begin.map_err(anyhow::Error::from)?,
        until: end.min(now),
    })
}

/// When the last one left, and when the next is due.
async fn history(house: &House, now: Timestamp) -> Result<(), Failure> {
    let zone = &house.policy().zone;
    output::note(match house.store.last_digest_handed_over().await? {
        Some(last) => format!(
            "The last one left on {}, about {} to {}.",
            fields::local(last.at, zone),
            fields::local(last.since, zone),
            fields::local(last.until, zone)
        ),
        None => "None has left yet.".to_owned(),
    });
    output::note(match digest::next(house, now) {
        Some(next) => format!("The next is due on {}.", fields::local(next, zone)),
        None => "None is due: `[schedule] digest` is off.".to_owned(),
    });
    Ok(())
}

/// What became of it.
fn told(handed: Handed) -> Outcome {
    match handed {
        Handed::Nobody => Err(Failure::Trouble(anyhow::anyhow!(
            "nobody is named who could get it; name one in fondly.toml: `[business]` with \
             `owner = [\"anna@thorn.example\"]`"
        ))),
        Handed::NoWay => Err(Failure::Trouble(anyhow::anyhow!(
            "there is no way out at the moment; `fondly log` names what is wrong"
        ))),
        Handed::Over {
            sent,
            unknown,
            refused,
        } => {
            if sent > 0 {
                output::say(format!("Sent to {}", counted(sent as u64, "owner")))?;
            }
            if unknown > 0 {
                let owners = counted(unknown as u64, "owner");
                output::say(format!("Nobody knows whether {owners} got it"))?;
            }
            for words in &refused {
                output::note(format!("It was refused: {words}"));
            }
            Ok(if unknown == 0 && refused.is_empty() {
                Done::Well
            } else {
                Done::NeedsAPerson
            })
        }
    }
}
