//! The settings, the rules and the letters: whether fondly would start with them.

use std::path::Path;

use super::{Check, counted};
use crate::engine::Plans;
use crate::model::Finding;
use crate::settings::live_sending_problems;

const NAME: &str = "settings";

/// The plans, with what is to be said of them; or why there are none.
pub(super) fn look(config: &Path) -> Result<(Plans, Check), (Check, Vec<Finding>)> {
    let shown = config.display();
    let broken = |findings: &[Finding]| {
        let findings = counted(findings.len() as u64, "finding");
        format!("{shown} can't be used: {findings}")
    };
    match Plans::read(config) {
        Ok(plans) => {
            let check = judge(&plans, &shown.to_string());
            Ok((plans, check))
        }
        Err(findings) => match Plans::read_for_review(config) {
            Ok((plans, _)) => {
                let found = format!(
                    "{shown} is fine, but its rules or letters can't be used: {}",
                    counted(findings.len() as u64, "finding")
                );
                let advice = "`fondly check` shows each with its line. fondly doesn't start like \
                              this; one that runs goes on with what was right before.";
                Ok((plans, Check::wrong(NAME, &found, advice).fatal()))
            }
            Err(findings) => {
                let advice = "Mend what is shown below; the rest can be looked at then.";
                let check = Check::wrong(NAME, &broken(&findings), advice).fatal();
                Err((check, findings))
            }
        },
    }
}

fn judge(plans: &Plans, shown: &str) -> Check {
    let on = || plans.rules.iter().filter(|rule| rule.enabled);
    let classes: Vec<_> = on().map(|rule| rule.class).collect();
    let problems = live_sending_problems(&plans.settings, &classes);
    if !problems.is_empty() {
        let found = format!("{shown}: nothing may be sent yet: {}", problems.join("; "));
        let advice = "fondly doesn't start before that is done.";
        return Check::wrong(NAME, &found, advice).fatal();
    }
    let rules = counted(plans.rules.len() as u64, "rule");
    let sources = counted(plans.settings.sources.len() as u64, "source");
    let found = format!("{shown}: {rules}, {} of them on; {sources}", on().count());
    if plans.settings.sources.is_empty() {
        let advice =
            "Say under [[source]] where your records are; without any, nobody is written to.";
        return Check::look(NAME, &found, advice);
    }
    if on().next().is_none() {
        let advice = "Set `enabled = true` in a rule's file; until then nobody is written to.";
        return Check::look(NAME, &found, advice);
    }
    if plans.settings.business.owner.is_empty() {
        let found = format!("{found}; nobody is named who hears of trouble");
        let advice = "Name somebody under [business]: `owner = [\"anna@thorn.example\"]`.";
        return Check::look(NAME, &found, advice);
    }
    Check::ok(NAME, &found)
}
