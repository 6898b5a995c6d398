//! `fondly pause` and `fondly resume`: nothing goes out in between.

use std::path::Path;

use super::summary::{paused, title};
use super::{Done, Failure, Outcome, house, output};
use crate::engine::{House, control};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only this rule, by its file's name; otherwise everything
    rule: Option<String>,
}

pub(super) async fn pause(args: Args, config: &Path) -> Outcome {
    let house = house(config).await?;
    let done = stop(&house, args.rule.as_deref()).await;
    house.store.clone().close().await?;
    done?;
    Ok(Done::Well)
}

async fn stop(house: &House, rule: Option<&str>) -> Result<(), Failure> {
    let what = named(house, rule).await?;
    house.store.pause(rule, house.clock.now()).await?;
    let again = rule.map_or_else(String::new, |rule| format!(" {rule}"));
    output::say(format!(
        "{what} is paused until `fondly resume{again}`. What is on the wire this moment still goes."
    ))?;
    Ok(())
}

pub(super) async fn resume(args: Args, config: &Path) -> Outcome {
    let house = house(config).await?;
    let done = go_on(&house, args.rule.as_deref()).await;
    house.store.clone().close().await?;
    done?;
    Ok(Done::Well)
}

async fn go_on(house: &House, rule: Option<&str>) -> Result<(), Failure> {
    let what = named(house, rule).await?;
    if house.store.resume(rule).await? {
        output::say(format!(
            "{what} goes on. What is later by now than its rule's `late` allows ends as too-late."
        ))?;
    } else {
        output::say(match rule {
            Some(_) => format!("{what} isn't paused by itself"),
            None => "Nothing is paused".to_owned(),
        })?;
    }
    for line in paused(&house.store.paused().await?, &house.policy().zone) {
        output::note(line);
    }
    Ok(())
}

/// What is paused, as people call it.
async fn named(house: &House, rule: Option<&str>) -> Result<String, Failure> {
    let Some(rule) = rule else {
        return Ok("Everything".to_owned());
    };
    control::known_rule(house, rule).await?;
    Ok(title(house, rule).to_owned())
}
