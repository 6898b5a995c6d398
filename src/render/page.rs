//! The HTML page around a letter: readable on a phone and at night, with nothing to fetch.
//!
//! May not know what the letter says.

use super::words;

/// How every page ends; the footer goes before it.
const END: &str = "</div>\n</body>\n</html>\n";
/// For those mail programs that know a dark mode.
const STYLE: &str = "\
:root{color-scheme:light dark;supported-color-schemes:light dark}
a{color:#8a2f4b}
pre{white-space:pre-wrap}
ul,ol{padding-left:1.2em}
@media (prefers-color-scheme:dark){
body,.sheet{background:#1c1a19!important;color:#ece7e2!important}
a{color:#f0a5b8!important}
.foot{color:#a39b94!important;border-color:#3a3633!important}
}";

/// The whole page.
pub(super) fn wrap(title: &str, language: &str, body: &str) -> String {
    wrap_with((title, language), "", body)
}

/// The same with rules of its own added to the stylesheet.
pub(super) fn wrap_with((title, language): (&str, &str), style: &str, body: &str) -> String {
    let direction = if words::is_right_to_left(language) {
        "rtl"
    } else {
        "ltr"
    };
    let mut page = String::with_capacity(body.len() + 1500);
    page.push_str("<!DOCTYPE html>\n<html lang=\"");
    escape(&mut page, language);
    page.push_str("\" dir=\"");
    page.push_str(direction);
    page.push_str(
        "\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"format-detection\" content=\"telephone=no,date=no,address=no,email=no,url=no\">\n\
         <title>",
    );
    escape(&mut page, title);
    page.push_str("</title>\n<style>\n");
    page.push_str(STYLE);
    if !style.is_empty() {
        page.push('\n');
        page.push_str(style);
    }
    page.push_str(
        "\n</style>\n</head>\n\
         <body style=\"margin:0;padding:0;background:#faf8f5;color:#2b2724\">\n\
         <div class=\"sheet\" style=\"max-width:36em;margin:0 auto;padding:2em 1.4em;\
         font-family:Georgia,'Times New Roman',serif;font-size:17px;line-height:1.6;\
         overflow-wrap:break-word;background:#faf8f5;color:#2b2724\">\n",
    );
    page.push_str(body);
    page.push_str(END);
    page
}

/// The page with something more under the letter.
pub(super) fn add(page: &str, html: &str) -> String {
    let letter = page.strip_suffix(END).unwrap_or(page);
    format!("{letter}{html}{END}")
}

/// Appends text so that it stays text, in an element or an attribute.
pub(super) fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
}
