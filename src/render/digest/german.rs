//! The weekly letter in German.
//!
//! May hold phrases only.

use super::phrases::{Counted, Phrases};

pub(super) static PHRASES: Phrases = Phrases {
    language: "de",
    weekdays: [
        "Montag",
        "Dienstag",
        "Mittwoch",
        "Donnerstag",
        "Freitag",
        "Samstag",
        "Sonntag",
    ],
    thousands: '.',

    subject: "{business}: {letters}{more}",
    letters: Counted("1 Brief verschickt", "{n} Briefe verschickt"),
    no_letters: "keine Briefe verschickt",
    subject_needs: Counted(", 1 Sache braucht Sie", ", {n} Dinge brauchen Sie"),
    subject_broken: ", etwas geht nicht",
    title: "Ihre Woche bei {business}",
    from_to: "Von {since} bis {until}.",
    all_well: "Alles läuft, und nichts wartet auf Sie.",

    needs: "Das braucht Sie",
    held: Counted(
        "**1 Brief** von „{title}“ für den {day} wartet auf Ihr Wort.",
        "**{n} Briefe** von „{title}“ für den {day} warten auf Ihr Wort.",
    ),
    held_by_command: "`fondly approve {rule} --on {date}` lässt sie gehen, `fondly decline {rule} --on {date}` beendet sie.",
    look: "Ansehen und entscheiden",
    see: "Ansehen",
    unknown: Counted(
        "Von **1 Brief** weiß niemand, ob er angekommen ist.",
        "Von **{n} Briefen** weiß niemand, ob sie angekommen sind.",
    ),
    unknown_by_command: "`fondly log --outcome unknown` zählt sie auf, `fondly resolve` klärt einen.",
    quarantined: Counted(
        "**1 Datensatz** ist unbrauchbar.",
        "**{n} Datensätze** sind unbrauchbar.",
    ),
    quarantined_by_command: "`fondly quarantine` sagt, welche und warum.",
    many_gone: Counted(
        "**1** von {of} Kunden aus der Quelle {source} scheint fort zu sein; bis Sie sagen, dass es richtig so ist, bleibt alles, wie es war.",
        "**{n}** von {of} Kunden aus der Quelle {source} scheinen fort zu sein; bis Sie sagen, dass es richtig so ist, bleibt alles, wie es war.",
    ),
    many_gone_by_command: "`fondly sync {source} --accept-gone` sagt es.",
    paused: "Alles ruht seit dem {since}. `fondly resume` beendet das.",

    broken: "Das geht nicht",
    since: "{what}, seit dem {since}",
    edit: "Ihre letzte Änderung an Regeln, Briefen oder Einstellungen ist unbrauchbar",
    away: "Über {name} gehen keine Briefe hinaus",
    refuses: "Der Mailserver {name} weist uns ab",
    source: "Die Quelle {name} lässt sich nicht lesen",
    unusable: "Das meiste aus der Quelle {name} ist unbrauchbar",
    refusals: "Viele Briefe werden abgewiesen",

    sent: "Verschickt",
    nothing_sent: "Es ging nichts hinaus.",
    idle_paused: "Alles ruht.",
    idle_no_rules: "Es ist keine Regel eingeschaltet.",
    idle_no_customers: "Noch ist niemand bekannt.",
    idle_nothing_due: "Es war für niemanden der Tag, und das ist gut so.",
    idle_all_kept: "Was fällig war, wurde zurückgehalten; die Gründe stehen unten.",
    idle_held: "Was fällig war, wartet auf Ihr Wort.",
    idle_coming: "Was heute fällig ist, ist noch nicht hinausgegangen.",
    cared: Counted("1 davon war Zuwendung", "{n} davon waren Zuwendung"),
    asked: Counted(
        "1 bat um etwas (einen Besuch, eine Antwort)",
        "{n} baten um etwas (einen Besuch, eine Antwort)",
    ),
    none_asked: "keiner bat um etwas",

    not_sent: "**Nicht verschickt:** {whys}.",
    whys: [
        Counted(
            "**1** ließ sich nicht schreiben: das ist zu richten",
            "**{n}** ließen sich nicht schreiben: das ist zu richten",
        ),
        Counted(
            "**1** nahm der Mailserver nicht an",
            "**{n}** nahm der Mailserver nicht an",
        ),
        Counted(
            "**1** hat keine brauchbare Adresse",
            "**{n}** haben keine brauchbare Adresse",
        ),
        Counted("**1** möchte keine Briefe", "**{n}** möchten keine Briefe"),
        Counted(
            "**1** kam inzwischen von selbst",
            "**{n}** kamen inzwischen von selbst",
        ),
        Counted(
            "**1** hat eine offene Beschwerde",
            "**{n}** haben eine offene Beschwerde",
        ),
        Counted(
            "**1** hatte in letzter Zeit genug Briefe",
            "**{n}** hatten in letzter Zeit genug Briefe",
        ),
        Counted(
            "**1** nimmt die Bedingung der Regel aus",
            "**{n}** nimmt die Bedingung der Regel aus",
        ),
        Counted(
            "**1** bleibt zum Vergleich ohne",
            "**{n}** bleiben zum Vergleich ohne",
        ),
        Counted(
            "**1** wäre zu spät gekommen",
            "**{n}** wären zu spät gekommen",
        ),
        Counted(
            "**1** ist nicht mehr fällig: Regel oder Datensatz haben sich geändert",
            "**{n}** sind nicht mehr fällig: Regel oder Datensatz haben sich geändert",
        ),
        Counted("**1** wurde abgelehnt", "**{n}** wurden abgelehnt"),
    ],

    back: "Wieder da",
    came_back: Counted(
        "„{title}“: 1 Mensch war wieder da: {names}.",
        "„{title}“: {n} Menschen waren wieder da: {names}.",
    ),
    nobody_back: "„{title}“: diese Woche noch niemand.",
    and_others: Counted("1 weiterer", "{n} weitere"),
    compared: "Insgesamt kamen {back} von {meant}, denen der Brief galt, innerhalb von {days} Tagen wieder ({share} %); von {others}, die ihn nie bekommen, {others_back} ({others_share} %). {told}",
    too_few: "Das sind zu wenige, um etwas daraus zu schließen.",
    unclear: "Das kann Zufall sein.",
    helps: "Der Brief hilft: Zufall würde das nicht erklären.",
    hurts: "Der Brief schadet: Zufall würde das nicht erklären.",

    missing: "Wer fehlt",
    nobody_missing: "Niemand ist still geworden.",
    gone_quiet: Counted(
        "1 Mensch, der sonst kam, ist still geworden{worth}.",
        "{n} Menschen, die sonst kamen, sind still geworden{worth}.",
    ),
    used_to_bring: "; zusammen brachten sie {sums} im Jahr",
    other_sums: "Beträge in anderen Währungen",
    silent: Counted("1 Tag", "{n} Tage"),
    usually: " (sonst alle {days})",
    usually_daily: " (sonst jeden Tag)",
    a_year: ", {amount} im Jahr",
    all_of_them: "Alle",
    all_by_command: "`fondly quiet` zählt alle auf.",

    ahead: "Die nächsten {days} Tage",
    nothing_ahead: "Es ist nichts fällig.",
    ahead_unknown: "Das ließ sich diesmal nicht ermitteln; `fondly forecast` sagt mehr.",
    will_wait: Counted(
        "1 weiterer wartet dann erst auf Ihr Wort.",
        "{n} weitere warten dann erst auf Ihr Wort.",
    ),

    and: " und ",
    more: Counted("und 1 weitere Art", "und {n} weitere Arten"),
    farewell: "fondly, das nach Ihren Kunden sieht. Bleibt dieser Brief einmal aus, stimmt etwas nicht.",
};
