#!/bin/sh
# Writes the address books of this folder, each by a library that programs export with:
#
#   vobject 0.9.9 (PyPI; Radicale and khard write with it)    pip install vobject==0.9.9
#   Text::vCard 3.09 (Debian's libtext-vcard-perl)
#   Evolution's library 3.46.4 (Debian's gir1.2-ebookcontacts-1.2 and python3-gi)
#   vcards-js 2.11.1 (npm)                                    npm install vcards-js@2.11.1
#
# tests/snapshots/programs.snap holds what is read from them.
set -eu
cd "$(dirname "$0")"

python3 - <<'PYTHON'
import vobject

def card(uid, family, given, email, bday, **more):
    card = vobject.vCard()
    card.add("uid").value = uid
    card.add("n").value = vobject.vcard.Name(family=family, given=given)
    card.add("fn").value = f"{given} {family}"
    if email:
        mail = card.add("email")
        mail.value = email
        mail.type_param = "INTERNET"
    if bday:
        card.add("bday").value = bday
    for name, value in more.items():
        card.add(name.replace("_", "-")).value = value
    return card

long = "A note that is long enough to be folded, with commas, semicolons; and a line\nbreak. " * 2
cards = [
    card("v-1", "Müller", "Zoë", "zoe@home.example", "1990-04-03", categories=["vip", "wholesale"], note=long),
    card("v-2", "O'Neill; Jr", "Ann, Marie", "ann@home.example", "19880229", x_shoe="38,5"),
    card("v-3", "Novák", "Čeněk", None, "--0229"),
    card("v-4", "Slash", "Sam", "sam@home.example", "03/04/1979"),
]
second = cards[0].add("email")
second.value = "zoe@work.example"
second.type_param = ["WORK", "pref"]
with open("vobject.vcf", "w", encoding="utf-8", newline="") as file:
    for one in cards:
        file.write(one.serialize())
PYTHON

perl - <<'PERL'
use strict;
use utf8;
use Text::vCard;
use Text::vCard::Addressbook;

my $book = Text::vCard::Addressbook->new();
for my $person (
    ['p-1', 'Dubois', 'Élodie', 'elodie@home.example', '1975-12-31'],
    ['p-2', 'Lang', 'Uwe', 'uwe@home.example', '1953-10-15T23:10:00Z'],
    ['p-3', 'Kurz', 'Kai', 'kai at home', '1999-01-01'],
) {
    my ($uid, $family, $given, $email, $bday) = @$person;
    my $card = $book->add_vcard();
    $card->version('3.0');
    $card->uid($uid);
    $card->fullname("$given $family");
    my $name = $card->add_node({ node_type => 'N' });
    $name->family($family);
    $name->given($given);
    my $mail = $card->add_node({ node_type => 'EMAIL', types => ['INTERNET', 'pref'] });
    $mail->value($email);
    $card->bday($bday);
}
open(my $file, '>:encoding(UTF-8)', 'text-vcard.vcf') or die $!;
print $file $book->export();
PERL

/usr/bin/python3 - <<'PYTHON'
import gi
gi.require_version("EBookContacts", "1.2")
from gi.repository import EBookContacts as Book

def contact(uid, family, given, email, day):
    one = Book.Contact()
    for key, value in {
        "id": uid, "full-name": f"{given} {family}", "given-name": given, "family-name": family,
        "email-1": email, "email-2": f"second-{email}", "categories": "stammkunde,Rosen",
        "note": "Ein langer Satz, mit Komma; und Strichpunkt.\nZweite Zeile. " * 4,
    }.items():
        one.set_property(key, value)
    date = Book.ContactDate()
    date.year, date.month, date.day = day
    one.set_property("birth-date", date)
    return one

people = [
    contact("e-1", "Gr\u00fcn", "Gabi", "gabi@home.example", (1965, 5, 23)),
    contact("e-2", "Wei\u00df", "Willi", "willi@home.example", (1988, 2, 29)),
]
for name, form in (("evolution-3.vcf", Book.VCardFormat(1)), ("evolution-2.1.vcf", Book.VCardFormat(0))):
    with open(name, "w", encoding="utf-8", newline="") as file:
        for one in people:
            file.write(Book.VCard.to_string(one, form) + "\r\n\r\n")
PYTHON

NODE_PATH="${NODE_PATH:-node_modules}" node - <<'NODE'
const vcards = require("vcards-js");
const fs = require("fs");
for (const version of ["3.0", "4.0"]) {
let out = "";
for (const [uid, family, given, email, bday] of [
    ["j-1", "Ibsen", "Ida", "ida@home.example", new Date(1985, 10, 28)],
    ["j-2", "Juhl", "Jan", "", new Date(1992, 1, 29)],
]) {
    const card = vcards();
    card.version = version;
    card.uid = uid;
    card.lastName = family;
    card.firstName = given;
    card.email = email;
    card.birthday = bday;
    out += card.getFormattedString();
}
fs.writeFileSync(`vcards-js-${version}.vcf`, out);
}
NODE
