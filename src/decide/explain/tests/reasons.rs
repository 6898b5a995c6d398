//! Each reason of the gates, with its figures.

use super::*;

/// Everything that a case borrows.
struct Scene {
    rule: Option<Rule>,
    view: View,
    policy: Policy,
    occasion: Occasion,
    batch: Batch,
    class: Class,
    audience: Audience,
    now: Timestamp,
}

impl Scene {
    /// A birthday letter at nine in the morning to somebody to whom nothing forbids it.
    fn new() -> Self {
        let (rule, view) = (rule("[trigger.anniversary]\nfield = \"birthday\""), view());
        Self {
            occasion: first(&rule, &view).unwrap(),
            rule: Some(rule),
            view,
            policy: policy(),
            class: Class::Marketing,
            audience: Audience::Customer,
            batch: Batch::default(),
            now: at("2027-02-28T09:00"),
        }
    }

    fn with_rule(text: &str) -> Self {
        let mut scene = Self::new();
        scene.rule = Some(rule(text));
        scene
    }

    fn told(&self) -> (Answer, String) {
        let case = Case {
            rule: self.rule.as_ref(),
            class: self.class,
            audience: self.audience,
            occasion: &self.occasion,
            zone: &zone(),
            view: &self.view,
            policy: &self.policy,
            batch: self.batch,
            now: self.now,
            facts: &|| minijinja::context! { customer => minijinja::context! { visits => 1 } },
        };
        let answer = judge(&case);
        (answer, verdict(&case, answer, &[]))
    }
}

const BIRTHDAY: &str = "[trigger.anniversary]\nfield = \"birthday\"\n";

/// A scene for each reason that the gates give. The others come with sending, and with the outcome.
#[expect(clippy::too_many_lines, reason = "one arm a reason")]
fn scene(reason: Reason) -> Result<Scene, Outcome> {
    let mut scene = Scene::new();
    match reason {
        Reason::Erased => scene.view.erased = true,
        Reason::Gone => scene.view.gone = true,
        Reason::NoAddress => scene.view.customer.email = None,
        Reason::Suppressed => scene.view.suppressed = true,
        Reason::CustomerPaused => {
            scene.view.wishes.pause_until = Some(day(2027, 5, 1));
        }
        Reason::UnwantedKind => {
            scene.view.wishes.without.insert(Topic::Greetings);
        }
        Reason::NoConsent => scene.view.customer.consent = Consent::No,
        Reason::RuleRemoved => scene.rule = None,
        Reason::RuleDisabled => scene = Scene::with_rule(&format!("enabled = false\n{BIRTHDAY}")),
        Reason::TooLate => scene.now = at("2027-03-03T09:00"),
        Reason::ContactedSince => {
            let rule = rule("[trigger.lapsed]\ncontact = [\"visit\"]\nafter = \"30 days\"");
            scene.view = with_events(&[("visit", "2027-01-01")]);
            scene.occasion = first(&rule, &scene.view).unwrap();
            scene.view = with_events(&[("visit", "2027-01-01"), ("visit", "2027-02-01")]);
            scene.rule = Some(rule);
            scene.now = at("2027-02-01T09:00");
        }
        Reason::RecordChanged => scene.view.customer.birthday = Some("1984-02-01".parse().unwrap()),
        Reason::ComplaintOpen => scene.view = with_events(&[("complaint-opened", "2027-02-20")]),
        Reason::ConditionFalse => {
            return Ok(Scene::with_rule(&format!(
                "{BIRTHDAY}[only]\nwhere = \"customer.visits > 3\""
            )));
        }
        Reason::ConditionFailed => {
            return Ok(Scene::with_rule(&format!(
                "{BIRTHDAY}[only]\nwhere = \"customer.visits > 'a' + 1\""
            )));
        }
        Reason::Holdout => {
            return Ok(Scene::with_rule(&format!(
                "{BIRTHDAY}[limits]\nholdout = \"99.5%\""
            )));
        }
        Reason::Capped => {
            scene.view.sent = vec![Sent {
                rule: "other".to_owned(),
                occasion: "o".to_owned(),
                class: Class::Marketing,
                audience: Audience::Customer,
                at: at("2027-02-20T10:00"),
            }];
        }
        Reason::QuietHours => scene.now = at("2027-02-28T22:00"),
        Reason::NotThisDay => {
            return Ok(Scene::with_rule(&format!(
                "{BIRTHDAY}[send]\ndays = [\"mon\", \"fri\"]"
            )));
        }
        Reason::DailyLimit => {
            scene = Scene::with_rule(&format!("{BIRTHDAY}[limits]\nmax_per_day = 30"));
            scene.batch.day_is_full = true;
        }
        Reason::BatchTooLarge => scene.batch.too_large = true,
        Reason::AwaitsApproval => {
            let text = format!("{BIRTHDAY}[limits]\napprove = \"first 20\"");
            scene = Scene::with_rule(&text);
            scene.batch.first_letters = true;
        }
        Reason::Declined => scene.batch.approved = Some(false),
        Reason::SettledByHand | Reason::TemplateFailed => return Err(Outcome::Skipped),
        Reason::RelayTrouble
        | Reason::DomainLimit
        | Reason::TemporaryRefusal
        | Reason::RelayRefusesUs => return Err(Outcome::Deferred),
        Reason::BadAddress | Reason::Refused => return Err(Outcome::Rejected),
        Reason::Accepted => return Err(Outcome::Sent),
        Reason::ReplyLost | Reason::StoppedWhileSending | Reason::RestoredCopy => {
            return Err(Outcome::Unknown);
        }
    }
    Ok(scene)
}

/// What the ledger tells of a reason that comes with sending.
fn sent_with(outcome: Outcome, reason: Reason) -> String {
    settled(&Settled {
        outcome,
        reason: Some(reason),
        at: Some(at("2027-05-02T09:00")),
        next: Some(at("2027-05-02T09:15")),
        zone: &zone(),
        reply: None,
    })
}

/// Each reason of the ledger has its sentence, and those of the gates their figures.
#[test]
fn every_reason_is_a_sentence() {
    let mut told = String::new();
    for reason in Reason::ALL {
        let words = match scene(reason) {
            Ok(scene) => {
                let (answer, words) = scene.told();
                let gave = match answer {
                    Answer::Skip(reason) | Answer::Defer(_, reason) | Answer::Hold(_, reason) => {
                        Some(reason)
                    }
                    Answer::Pass => None,
                };
                assert_eq!(gave, Some(reason), "{words}");
                words
            }
            Err(outcome) => sent_with(outcome, reason),
        };
        assert!(
            words.ends_with('.') || words.contains("condition"),
            "{words}"
        );
        writeln!(told, "{reason}\n    {words}").unwrap();
    }
    for (what, words) in others().into_iter().chain([on_its_day_only()]) {
        writeln!(told, "{what}\n    {words}").unwrap();
    }
    insta::with_settings!({snapshot_path => "../../../../tests/snapshots", prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!("explain_reasons", told);
    });
}

/// A rule that leaves no day.
fn on_its_day_only() -> (&'static str, String) {
    let mut scene = Scene::new();
    scene.rule.as_mut().unwrap().send.late = crate::model::Period::Days(0);
    scene.now = at("2027-03-02T00:00");
    ("too-late: on its day only", scene.told().1)
}

/// The same reasons on other grounds.
fn others() -> Vec<(&'static str, String)> {
    let said = |change: fn(&mut Scene)| {
        let mut scene = Scene::new();
        change(&mut scene);
        scene.told().1
    };
    vec![
        ("nothing stands in its way", said(|_| {})),
        (
            "no-address: staff",
            said(|scene| scene.audience = Audience::Staff),
        ),
        (
            "no-address: owner",
            said(|scene| scene.audience = Audience::Owner),
        ),
        (
            "suppressed: the records say so",
            said(|scene| scene.view.customer.unsubscribed = true),
        ),
        (
            "no-consent: opt-in",
            said(|scene| scene.policy.basis = MarketingBasis::OptIn),
        ),
        (
            "capped: all letters",
            said(|scene| {
                scene.class = Class::Service;
                let sent = |rule: &str, on: &str| Sent {
                    rule: rule.to_owned(),
                    occasion: "o".to_owned(),
                    class: Class::Service,
                    audience: Audience::Customer,
                    at: at(on),
                };
                scene.view.sent =
                    vec![sent("a", "2027-02-26T10:00"), sent("b", "2027-02-27T10:00")];
            }),
        ),
        (
            "capped: they want fewer",
            said(|scene| {
                scene.view.wishes.fewer = true;
                scene.class = Class::Relationship;
                scene.view.sent = vec![Sent {
                    rule: "other".to_owned(),
                    occasion: "o".to_owned(),
                    class: Class::Marketing,
                    audience: Audience::Customer,
                    at: at("2027-02-02T10:00"),
                }];
            }),
        ),
        (
            "capped: none is left inside `late`",
            said(|scene| {
                scene.rule = Some(rule(&format!(
                    "{BIRTHDAY}[send]\nlate = \"1 day\"\nwhen_capped = \"skip\""
                )));
                scene.view.sent = vec![Sent {
                    rule: "other".to_owned(),
                    occasion: "o".to_owned(),
                    class: Class::Marketing,
                    audience: Audience::Customer,
                    at: at("2027-02-27T10:00"),
                }];
            }),
        ),
    ]
}

/// A closing without a time closed the complaint before, and it is said why this one is still open.
#[test]
fn a_complaint_that_came_up_again_on_the_day_of_its_closing_is_explained() {
    let mut scene = Scene::new();
    let events = [
        ("complaint-opened", "2027-02-19"),
        ("complaint-closed", "2027-02-20"),
        ("complaint-opened", "2027-02-20"),
    ];
    scene.view = with_events(&events);
    let (answer, _) = scene.told();
    assert_eq!(answer, Answer::Pass);
    scene.view.events[2].at = When::Instant(at("2027-02-20T10:00"));
    let (answer, words) = scene.told();
    assert_eq!(answer, Answer::Skip(Reason::ComplaintOpen));
    let wanted = "a complaint of theirs is open since 20 February 2027 at 10:00 Europe/Berlin; the \
                  `complaint-closed` of that day bears no time, so it counts for the one before.";
    assert!(words.contains(wanted), "{words}");
    // With it closed as well, nothing is in the way.
    scene.view.events[1].at = When::Instant(at("2027-02-20T11:00"));
    assert_eq!(scene.told().0, Answer::Pass);
}
