//! `fondly pause`: nothing goes out until `fondly resume`.

use std::path::Path;

use super::{Done, Failure, Outcome, house_at_hand, output};
use crate::engine::{House, control};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only this rule, by its file's name; otherwise everything
    rule: Option<String>,
}

pub(super) async fn pause(args: Args, config: &Path) -> Outcome {
    let house = house_at_hand(config).await?;
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

/// What is paused, as people call it.
pub(super) async fn named(house: &House, rule: Option<&str>) -> Result<String, Failure> {
    let Some(rule) = rule else {
        return Ok("Everything".to_owned());
    };
    control::known_rule(house, rule).await?;
    Ok(house.title(rule).to_owned())
}
