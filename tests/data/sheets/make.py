#!/usr/bin/env python3
"""Writes the workbooks of this folder, by the programs that people have.

    pip install openpyxl==3.1.5 xlwt==1.3.0 msoffcrypto-tool==6.1.0
    python make.py

and LibreOffice (7.4.7 was used) for the files that begin with `libreoffice-`: it opens what openpyxl
wrote, reckons the formulas, and saves it in its own way. Each run writes other bytes (times of day
stand in them), but the same cells. `tests/snapshots/programs.snap` holds what is read from them.
"""

import csv
import datetime as dt
import subprocess
import sys
from pathlib import Path

import msoffcrypto.format.ooxml
import xlwt
from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.utils.datetime import CALENDAR_MAC_1904

HERE = Path(__file__).parent

# Number, first name, surname, address, birthday, joined, spent, news; a birthday is a cell or a text.
SHOP = [
    ("007", "Zoë", "Müller", "zoe@home.example", dt.date(1990, 4, 3), dt.date(2020, 2, 29), 12.5, True),
    (4711, "Ann", "O'Neill", "ann@home.example", dt.date(1988, 2, 29), dt.datetime(2021, 3, 1, 10, 30), 1234.5, False),
    (4712, "Bob", "Lee; Jr", "bob@home.example", "03/04/1979", None, 0.1 + 0.2, None),
    ("A-9", "Čeněk", "Novák", "cenek@home.example", "23/04", "01/06/2019", "12,50", "yes"),
    (4713, "Dan", "Two", "dan@home.example", "23/04/87", None, None, None),
    (4714, "Eve", "Error", "eve@home.example", dt.date(1991, 1, 1), None, "#N/A", None),
    (4715, "Fay", "Formula", "=\"fay\" & \"@home.example\"", dt.date(1992, 12, 31), None, "=10*1.5", None),
    (4711, "Ann", "Again", "ann2@home.example", None, None, None, None),
    (4716, "Gus", "Number", "gus@home.example", 33111, None, None, None),
]
HEADER = ["CustomerNo", "First name", "Surname", "E-Mail", "Birthday", "Joined", "Spent", "News"]


def shop(titles):
    book = Workbook()
    sheet = book.active
    sheet.title = "Kunden"
    if titles:
        sheet.append(["Customers of the flower shop"])
        sheet.merge_cells("A1:H1")
        sheet["A1"].font = Font(bold=True, size=16)
        sheet.append(["As of", dt.date(2026, 11, 1)])
        sheet.append([])
    sheet.append(HEADER)
    for row in SHOP:
        sheet.append(row)
        for cell in sheet[sheet.max_row]:
            if isinstance(cell.value, dt.datetime):
                cell.number_format = "dd/mm/yyyy hh:mm"
            elif isinstance(cell.value, dt.date):
                cell.number_format = "dd/mm/yyyy"
    sheet.row_dimensions[sheet.max_row].hidden = True
    book.create_sheet("Sheet2")
    notes = book.create_sheet("Notes")
    notes.append(["id", "nothing that is read"])
    notes.sheet_state = "hidden"
    return book


def two_sheets():
    book = Workbook()
    book.active.title = "North"
    book.active.append(["id", "first_name"])
    book.active.append(["N1", "Nora"])
    south = book.create_sheet("South")
    south.append(["id", "first_name"])
    south.append(["S1", "Sam"])
    return book


def macs():
    book = Workbook()
    book.epoch = CALENDAR_MAC_1904
    book.active.append(["id", "birthday"])
    book.active.append(["M1", dt.date(1990, 8, 26)])
    book.active.append(["M2", dt.date(2000, 2, 29)])
    return book


def early():
    """Days about which spreadsheets disagree, and those right after them."""
    book = Workbook()
    book.active.append(["id", "birthday"])
    for number in (1, 31, 59, 60, 61, 62):
        book.active.append([f"E{number}", number])
        book.active.cell(book.active.max_row, 2).number_format = "yyyy-mm-dd"
    return book


def old():
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("Kunden")
    day = xlwt.easyxf(num_format_str="DD/MM/YYYY")
    for column, name in enumerate(HEADER):
        sheet.write(0, column, name)
    for at, row in enumerate(SHOP, 1):
        for column, value in enumerate(row):
            if value is None or isinstance(value, str) and value.startswith(("=", "#")):
                continue
            if isinstance(value, dt.date):
                sheet.write(at, column, value, day)
            else:
                sheet.write(at, column, value)
    book.save(str(HERE / "xlwt-shop.xls"))


def as_excel_writes_csv():
    """What German Excel saves: semicolons, Windows-1252, CR LF, decimal commas, dates as shown."""
    rows = [
        ["Kundennr", "Vorname", "Nachname", "E-Mail", "Geburtstag", "Umsatz", "Gr\u00f6\u00dfe", ""],
        ["007", "Zo\u00eb", "M\u00fcller", "zoe@home.example", "03.04.1990", "1.234,50", "38,5", ""],
        ["008", "J\u00f6rg", "Wei\u00df \u201eder J\u00fcngere\u201c", "joerg@home.example", "29.02.1988", "12,00", "40", ""],
        ["009", "Uwe", "Lang; Sohn", "uwe@home.example", "31.11.1990", "0,50", "41", ""],
        ["010", "Rosa", "zwei\nZeilen", "rosa@home.example", "23.04.", "7", "37,5", ""],
        ["011", "Ida", "\u20ac-Zeichen", "ida@home.example", "24.12.99", "1.23,4", "36", ""],
        ["", "", "", "", "", "", "", ""],
    ]
    for name, first in (("excel-german.csv", ""), ("excel-german-sep.csv", "sep=;\r\n")):
        with open(HERE / name, "w", encoding="cp1252", newline="") as file:
            file.write(first)
            csv.writer(file, delimiter=";", lineterminator="\r\n").writerows(rows)
    # "Unicode text" of the same program.
    with open(HERE / "excel-unicode.csv", "w", encoding="utf-16", newline="") as file:
        csv.writer(file, delimiter="\t", lineterminator="\r\n").writerows(rows)


def convert(source, kind, target):
    out = HERE / "out"
    subprocess.run(
        ["soffice", "--headless", "--convert-to", kind, "--outdir", out, source],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    ending = kind.split(":")[0]
    (out / f"{source.stem}.{ending}").replace(HERE / target)
    out.rmdir()


def main():
    shop(titles=True).save(HERE / "openpyxl-shop.xlsx")
    two_sheets().save(HERE / "openpyxl-two-sheets.xlsx")
    macs().save(HERE / "openpyxl-1904.xlsx")
    early().save(HERE / "openpyxl-early-days.xlsx")
    old()
    as_excel_writes_csv()
    with open(HERE / "openpyxl-two-sheets.xlsx", "rb") as plain, open(HERE / "locked.xlsx", "wb") as locked:
        msoffcrypto.format.ooxml.OOXMLFile(plain).encrypt("flowers", locked)
    shop_file = HERE / "openpyxl-shop.xlsx"
    convert(shop_file, "xlsx:Calc MS Excel 2007 XML", "libreoffice-shop.xlsx")
    convert(shop_file, "ods", "libreoffice-shop.ods")
    convert(shop_file, "xls:MS Excel 97", "libreoffice-shop.xls")
    convert(HERE / "openpyxl-1904.xlsx", "xlsx:Calc MS Excel 2007 XML", "libreoffice-1904.xlsx")


if __name__ == "__main__":
    sys.exit(main())
