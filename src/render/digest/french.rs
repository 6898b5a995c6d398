//! The weekly letter in French.
//!
//! May hold phrases only.

use super::phrases::{Counted, Phrases};

pub(super) static PHRASES: Phrases = Phrases {
    language: "fr",
    weekdays: [
        "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche",
    ],
    thousands: '\u{202F}',

    subject: "{business}\u{a0}: {letters}{more}",
    letters: Counted("1 lettre envoyée", "{n} lettres envoyées"),
    no_letters: "aucune lettre envoyée",
    subject_needs: Counted(", 1 chose vous attend", ", {n} choses vous attendent"),
    subject_broken: ", quelque chose ne marche pas",
    title: "Votre semaine chez {business}",
    from_to: "Du {since} au {until}.",
    all_well: "Tout marche, et rien ne vous attend.",

    needs: "Ce qui vous attend",
    held: Counted(
        "**1 lettre** de «\u{a0}{title}\u{a0}» pour le {day} attend votre accord.",
        "**{n} lettres** de «\u{a0}{title}\u{a0}» pour le {day} attendent votre accord.",
    ),
    held_by_command: "`fondly approve {rule} --on {date}` les laisse partir, `fondly decline {rule} --on {date}` y met fin.",
    look: "Regarder et décider",
    see: "Voir",
    unknown: Counted(
        "Pour **1 lettre**, personne ne sait si elle est arrivée.",
        "Pour **{n} lettres**, personne ne sait si elles sont arrivées.",
    ),
    unknown_by_command: "`fondly log --outcome unknown` les énumère, `fondly resolve` en règle une.",
    quarantined: Counted(
        "**1 fiche** est inutilisable.",
        "**{n} fiches** sont inutilisables.",
    ),
    quarantined_by_command: "`fondly quarantine` dit lesquelles et pourquoi.",
    many_gone: Counted(
        "**1** des {of} clients de la source {source} semble parti\u{a0}; tout reste comme avant jusqu’à ce que vous disiez que c’est juste.",
        "**{n}** des {of} clients de la source {source} semblent partis\u{a0}; tout reste comme avant jusqu’à ce que vous disiez que c’est juste.",
    ),
    many_gone_by_command: "`fondly sync {source} --accept-gone` le dit.",
    paused: "Tout est en pause depuis le {since}. `fondly resume` y met fin.",

    broken: "Ce qui ne marche pas",
    since: "{what}, depuis le {since}",
    edit: "Votre dernière modification des règles, lettres ou réglages est inutilisable",
    away: "Les lettres ne partent plus par {name}",
    refuses: "Le serveur de messagerie {name} nous refuse",
    source: "La source {name} ne peut pas être lue",
    unusable: "La plupart de ce que donne la source {name} est inutilisable",
    refusals: "Beaucoup de lettres sont refusées",

    sent: "Envoyées",
    nothing_sent: "Rien n’est parti.",
    idle_paused: "Tout est en pause.",
    idle_no_rules: "Aucune règle n’est en service.",
    idle_no_customers: "Personne n’est encore enregistré.",
    idle_nothing_due: "Ce n’était le jour de personne, et c’est très bien ainsi.",
    idle_all_kept: "Ce qui était prévu a été retenu, pour les raisons ci-dessous.",
    idle_held: "Ce qui était prévu attend votre décision.",
    idle_coming: "Ce qui est prévu aujourd’hui n’est pas encore parti.",
    cared: Counted("1 était une attention", "{n} étaient des attentions"),
    asked: Counted(
        "1 demandait quelque chose (une visite, une réponse)",
        "{n} demandaient quelque chose (une visite, une réponse)",
    ),
    none_asked: "aucune ne demandait rien",

    not_sent: "**Pas envoyées\u{a0}:** {whys}.",
    whys: [
        Counted(
            "**1** n’a pas pu être écrite\u{a0}: c’est à corriger",
            "**{n}** n’ont pas pu être écrites\u{a0}: c’est à corriger",
        ),
        Counted(
            "**1** n’a pas été prise par le serveur de messagerie",
            "**{n}** n’ont pas été prises par le serveur de messagerie",
        ),
        Counted(
            "**1** n’a pas d’adresse valable",
            "**{n}** n’ont pas d’adresse valable",
        ),
        Counted(
            "**1** ne souhaite pas de lettres",
            "**{n}** ne souhaitent pas de lettres",
        ),
        Counted(
            "**1** est venu de soi-même entre-temps",
            "**{n}** sont venus d’eux-mêmes entre-temps",
        ),
        Counted(
            "**1** a une réclamation ouverte",
            "**{n}** ont une réclamation ouverte",
        ),
        Counted(
            "**1** a eu assez de lettres ces temps-ci",
            "**{n}** ont eu assez de lettres ces temps-ci",
        ),
        Counted(
            "**1** est écarté par la condition de la règle",
            "**{n}** sont écartés par la condition de la règle",
        ),
        Counted(
            "**1** n’en reçoit pas, pour comparer",
            "**{n}** n’en reçoivent pas, pour comparer",
        ),
        Counted(
            "**1** serait arrivée trop tard",
            "**{n}** seraient arrivées trop tard",
        ),
        Counted(
            "**1** n’est plus d’actualité\u{a0}: une règle ou une fiche a changé",
            "**{n}** ne sont plus d’actualité\u{a0}: une règle ou une fiche a changé",
        ),
        Counted(
            "**1** a été écartée par décision",
            "**{n}** ont été écartées par décision",
        ),
    ],

    back: "De retour",
    came_back: Counted(
        "«\u{a0}{title}\u{a0}»\u{a0}: 1 personne est revenue\u{a0}: {names}.",
        "«\u{a0}{title}\u{a0}»\u{a0}: {n} personnes sont revenues\u{a0}: {names}.",
    ),
    nobody_back: "«\u{a0}{title}\u{a0}»\u{a0}: personne encore cette semaine.",
    and_others: Counted("1 autre", "{n} autres"),
    compared: "Au total, {back} sur {meant} à qui la lettre était destinée sont revenus en {days} jours ({share}\u{a0}%)\u{a0}; sur {others} qui ne la reçoivent jamais, {others_back} ({others_share}\u{a0}%). {told}",
    too_few: "C’est trop peu pour en conclure quoi que ce soit.",
    unclear: "Ce peut être le hasard.",
    helps: "La lettre aide\u{a0}: le hasard ne l’expliquerait pas.",
    hurts: "La lettre nuit\u{a0}: le hasard ne l’expliquerait pas.",

    missing: "Qui manque",
    nobody_missing: "Personne n’a cessé de venir.",
    gone_quiet: Counted(
        "1 personne qui venait d’habitude ne vient plus{worth}.",
        "{n} personnes qui venaient d’habitude ne viennent plus{worth}.",
    ),
    used_to_bring: "\u{a0}; ensemble, {sums} par an",
    other_sums: "des sommes dans d’autres devises",
    silent: Counted("1 jour", "{n} jours"),
    usually: " (d’habitude tous les {days})",
    usually_daily: " (d’habitude chaque jour)",
    a_year: ", {amount} par an",
    all_of_them: "Toutes",
    all_by_command: "`fondly quiet` les énumère.",

    ahead: "Les {days} prochains jours",
    nothing_ahead: "Rien n’est prévu.",
    ahead_unknown: "Cela n’a pas pu être établi cette fois\u{a0}; `fondly forecast` en dit plus.",
    will_wait: Counted(
        "1 autre attendra d’abord votre accord.",
        "{n} autres attendront d’abord votre accord.",
    ),

    and: " et ",
    more: Counted("et 1 autre sorte", "et {n} autres sortes"),
    farewell: "fondly, qui prend soin de vos clients. Si cette lettre ne vient pas, quelque chose ne va pas.",
};
