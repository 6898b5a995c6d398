//! The weekly letter in English.
//!
//! May hold phrases only.

use super::phrases::{Counted, Phrases};

pub(super) static PHRASES: Phrases = Phrases {
    language: "en",
    weekdays: [
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
        "Sunday",
    ],
    thousands: ',',

    subject: "{business}: {letters}{more}",
    letters: Counted("1 letter sent", "{n} letters sent"),
    no_letters: "no letters sent",
    subject_needs: Counted(", 1 thing needs you", ", {n} things need you"),
    subject_broken: ", something doesn't work",
    title: "Your week at {business}",
    from_to: "From {since} to {until}.",
    all_well: "Everything works, and nothing needs you.",

    needs: "This needs you",
    held: Counted(
        "**1 letter** of “{title}” for {day} waits for your word.",
        "**{n} letters** of “{title}” for {day} wait for your word.",
    ),
    held_by_command: "`fondly approve {rule} --on {date}` lets them go, `fondly decline {rule} --on {date}` ends them.",
    look: "Look and decide",
    see: "See them",
    unknown: Counted(
        "Of **1 letter** nobody knows whether it arrived.",
        "Of **{n} letters** nobody knows whether they arrived.",
    ),
    unknown_by_command: "`fondly log --outcome unknown` lists them, `fondly resolve` settles one.",
    quarantined: Counted(
        "**1 record** can't be used.",
        "**{n} records** can't be used.",
    ),
    quarantined_by_command: "`fondly quarantine` says which and why.",
    many_gone: Counted(
        "**1 customer** of the {of} from {source} seems to be gone; they are kept until you say that it is right so.",
        "**{n} customers** of the {of} from {source} seem to be gone; they are kept until you say that it is right so.",
    ),
    many_gone_by_command: "`fondly sync {source} --accept-gone` says so.",
    paused: "Everything is paused since {since}. `fondly resume` ends that.",

    broken: "This doesn't work",
    since: "{what}, since {since}",
    edit: "Your last edit of the rules, letters or settings can't be used",
    away: "Letters can't leave by {name}",
    refuses: "The mail server {name} refuses us",
    source: "The source {name} can't be read",
    unusable: "Most of what the source {name} gave can't be used",
    refusals: "Many letters are refused",

    sent: "Sent",
    nothing_sent: "Nothing was sent.",
    idle_paused: "Everything is paused.",
    idle_no_rules: "No rule is switched on.",
    idle_no_customers: "No customer is on record yet.",
    idle_nothing_due: "It was nobody's day, and that is fine.",
    idle_all_kept: "What came due was kept back, for the reasons below.",
    idle_held: "What came due waits for your word.",
    idle_coming: "What is due today hasn't gone out yet.",
    cared: Counted("1 of them cared", "{n} of them cared"),
    asked: Counted(
        "1 asked for something (a visit, an answer)",
        "{n} asked for something (a visit, an answer)",
    ),
    none_asked: "none asked for anything",

    not_sent: "**Not sent:** {whys}.",
    whys: [
        Counted(
            "**1** couldn't be written: that is to be mended",
            "**{n}** couldn't be written: that is to be mended",
        ),
        Counted(
            "**1** wasn't taken by the mail server",
            "**{n}** weren't taken by the mail server",
        ),
        Counted(
            "**1** has no address that works",
            "**{n}** have no address that works",
        ),
        Counted("**1** doesn't want letters", "**{n}** don't want letters"),
        Counted(
            "**1** came by themselves meanwhile",
            "**{n}** came by themselves meanwhile",
        ),
        Counted(
            "**1** has a complaint that is open",
            "**{n}** have a complaint that is open",
        ),
        Counted(
            "**1** had enough letters lately",
            "**{n}** had enough letters lately",
        ),
        Counted(
            "**1** is left out by the rule's condition",
            "**{n}** are left out by the rule's condition",
        ),
        Counted(
            "**1** is left out for comparison",
            "**{n}** are left out for comparison",
        ),
        Counted(
            "**1** would have come too late",
            "**{n}** would have come too late",
        ),
        Counted(
            "**1** is no longer due: a rule or a record has changed",
            "**{n}** are no longer due: a rule or a record has changed",
        ),
        Counted("**1** was decided against", "**{n}** were decided against"),
    ],

    back: "Came back",
    came_back: Counted(
        "“{title}”: 1 person was here again: {names}.",
        "“{title}”: {n} people were here again: {names}.",
    ),
    nobody_back: "“{title}”: nobody yet this week.",
    and_others: Counted("1 more", "{n} more"),
    compared: "Over time, {back} of {meant} people it was meant for came within {days} days ({share} %); of {others} who never get it, {others_back} did ({others_share} %). {told}",
    too_few: "Too few to tell anything by it.",
    unclear: "That may be chance.",
    helps: "The letter helps: chance wouldn't explain that.",
    hurts: "The letter does harm: chance wouldn't explain that.",

    missing: "Who is missing",
    nobody_missing: "Nobody has gone quiet.",
    gone_quiet: Counted(
        "1 customer who used to come has gone quiet{worth}.",
        "{n} customers who used to come have gone quiet{worth}.",
    ),
    used_to_bring: "; together they brought {sums} a year",
    other_sums: "sums in other currencies",
    silent: Counted("1 day", "{n} days"),
    usually: " (usually every {days})",
    usually_daily: " (usually every day)",
    a_year: ", {amount} a year",
    all_of_them: "All of them",
    all_by_command: "`fondly quiet` lists them all.",

    ahead: "The next {days} days",
    nothing_ahead: "Nothing is due.",
    ahead_unknown: "That couldn't be worked out this time; `fondly forecast` says more.",
    will_wait: Counted(
        "1 more will wait for your word first.",
        "{n} more will wait for your word first.",
    ),

    and: " and ",
    more: Counted("and 1 more kind", "and {n} more kinds"),
    farewell: "fondly, which looks after your customers. If this letter doesn't come, something is wrong.",
};
