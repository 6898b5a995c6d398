//! Every template of the business, read and compiled once, and the letters made from them.
//!
//! May not know rules or recipients. Reading collects all that is wrong and stops at nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use minijinja::{Environment, Value};

use super::front::{self, Front};
use super::phrases::Phrases;
use super::template::{RenderError, Template, fallbacks, tag};
use super::{engine, inert, lint, markdown, page, plain};
use crate::model::facts::nearest;
use crate::model::finding::{Finding, SourceText};
use crate::model::tables::decode;

/// The largest template file that is read; a letter has a few kilobytes.
const LARGEST_BYTES: usize = 256 * 1024;

/// What to look at where the engine only says what it stumbled over.
const SYNTAX_HELP: &str =
    "every `{{` needs its `}}`, every `{% if … %}` its `{% endif %}`, and a text its second quote";

/// All templates, by name and language.
#[derive(Debug, Clone)]
pub struct Catalogue {
    engine: Environment<'static>,
    templates: BTreeMap<String, BTreeMap<String, Template>>,
}

/// A letter to one customer, before it is addressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The subject: one clean line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The HTML: a whole page.
    pub html: String,
    /// The template's name.
    pub template: String,
    /// The language it is written in.
    pub language: String,
}

impl Default for Catalogue {
    /// None at all.
    fn default() -> Self {
        Self {
            engine: engine::environment(Phrases::built_in()),
            templates: BTreeMap::new(),
        }
    }
}

impl Catalogue {
    /// Reads every `<name>.<lang>.md` of a folder. Templates without a fault can be used even when
    /// others have some.
    pub fn load(dir: &Path) -> (Self, Vec<Finding>) {
        Self::load_with(dir, Phrases::built_in())
    }

    /// The same, with dates in these words.
    pub fn load_with(dir: &Path, phrases: &Arc<Phrases>) -> (Self, Vec<Finding>) {
        let mut catalogue = Self {
            engine: engine::environment(phrases),
            ..Self::default()
        };
        let mut findings = Vec::new();
        match Self::files(dir) {
            Ok(files) => {
                for file in files {
                    let name = file.file_name().unwrap_or_default().to_string_lossy();
                    catalogue.read(dir, &name, &mut findings);
                }
            }
            Err(error) => {
                let source = source(dir, String::new());
                findings.push(
                    Finding::new(
                        &source,
                        0..0,
                        format!("the templates can't be read: {error}"),
                    )
                    .with_help("create the folder; letters are files such as `birthday.en.md`"),
                );
            }
        }
        (catalogue, findings)
    }

    /// The files of a folder of letters that are read, in order; hidden ones belong to editors.
    ///
    /// # Errors
    /// The folder can't be read.
    pub fn files(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(dir)? {
            let path = entry?.path();
            let hidden = path
                .file_name()
                .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
            if path.extension().is_some_and(|e| e == "md") && !hidden && path.is_file() {
                files.push(path);
            }
        }
        files.sort_unstable();
        Ok(files)
    }

    /// The templates' names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.templates.keys().map(String::as_str)
    }

    /// The languages a template is written in.
    pub fn languages(&self, name: &str) -> Vec<&str> {
        self.templates.get(name).map_or_else(Vec::new, |languages| {
            languages.values().map(|t| t.language.as_str()).collect()
        })
    }

    /// Whether everybody can get this letter: the template exists, and there is one in the
    /// business's own language, to which all others fall back.
    ///
    /// # Errors
    /// What is missing, and the nearest name that exists.
    pub fn check(&self, name: &str, business_language: &str) -> Result<(), RenderError> {
        self.find(name, None, business_language).map(|_| ())
    }

    /// The letter in the customer's language, or the nearest there is.
    ///
    /// # Errors
    /// No such template, no fitting language, or what is wrong at which line: mostly a value that
    /// this customer's record doesn't have.
    pub fn letter(
        &self,
        name: &str,
        customer_language: Option<&str>,
        business_language: &str,
        facts: &Value,
    ) -> Result<Letter, RenderError> {
        let template = self.find(name, customer_language, business_language)?;
        let subject = self
            .render(&template.subject_key, facts)
            .map_err(|error| template.explain(&error))?;
        let subject = inert::header_text(&subject);
        if subject.is_empty() {
            return Err(template.at_subject("the subject is empty for this customer"));
        }
        let body = self
            .render(&template.body_key, facts)
            .map_err(|error| template.explain(&error))?;
        let events = markdown::events(&body);
        Ok(Letter {
            text: plain::text(&events),
            html: page::wrap(&subject, &template.language, &markdown::html(&events)),
            subject,
            template: name.to_owned(),
            language: template.language.clone(),
        })
    }

    fn render(&self, key: &str, facts: &Value) -> Result<String, minijinja::Error> {
        self.engine.get_template(key)?.render(facts.clone())
    }

    fn find(
        &self,
        name: &str,
        customer_language: Option<&str>,
        business_language: &str,
    ) -> Result<&Template, RenderError> {
        let Some(languages) = self.templates.get(name) else {
            let known: Vec<&str> = self.names().collect();
            return Err(RenderError {
                file: format!("{name}.*.md"),
                line: None,
                message: format!("there is no template `{name}`"),
                help: nearest(name, &known).map(|near| format!("did you mean `{near}`?")),
            });
        };
        customer_language
            .into_iter()
            .chain([business_language])
            .flat_map(fallbacks)
            .find_map(|tag| languages.get(&tag))
            .ok_or_else(|| RenderError {
                file: format!("{name}.{business_language}.md"),
                line: None,
                message: format!(
                    "the template `{name}` isn't there in the business's language, `{business_language}`, to which every other falls back"
                ),
                help: Some(format!("write {name}.{business_language}.md")),
            })
    }

    /// Reads one file; what is wrong with it goes to the findings.
    fn read(&mut self, dir: &Path, file: &str, findings: &mut Vec<Finding>) {
        let path = dir.join(file);
        let decoded = match std::fs::read(&path) {
            Ok(bytes) if bytes.len() > LARGEST_BYTES => {
                let largest = LARGEST_BYTES / 1024;
                let message = format!("the file is larger than {largest} KB");
                Err(unread(&path, &message, "a letter has a few"))
            }
            Ok(bytes) => decode(path.display().to_string(), bytes),
            Err(error) => {
                let message = format!("the file can't be read: {error}");
                Err(unread(
                    &path,
                    &message,
                    "let the user that runs fondly read it",
                ))
            }
        };
        let source = match decoded {
            Ok(source) => source,
            Err(finding) => return findings.push(finding),
        };
        let Some((name, language)) = name_and_language(file) else {
            findings.push(
                Finding::new(&source, 0..0, "the file's name doesn't say its language")
                    .with_help("name it like `birthday.en.md`: the template, its language, `md`"),
            );
            return;
        };
        let Some(front) = front::read(&source, findings) else {
            return;
        };
        findings.extend(lint::markdown(&source, front.body_at));
        let template = Template {
            body_key: file.to_owned(),
            subject_key: engine::subject_key(file),
            subject_span: front.subject_span.clone(),
            body_at: front.body_at,
            language: language.to_owned(),
            source,
        };
        if self.compile(&template, front, findings) {
            self.templates
                .entry(name.to_owned())
                .or_default()
                .insert(tag(language), template);
        }
    }

    /// Hands both parts to the engine; whether it could take them.
    fn compile(&mut self, template: &Template, front: Front, findings: &mut Vec<Finding>) -> bool {
        let source = &template.source;
        let body = source.text.get(front.body_at..).unwrap_or_default();
        let parts = [
            (
                template.subject_key.clone(),
                front.subject,
                template.subject_span.clone(),
            ),
            (
                template.body_key.clone(),
                body.to_owned(),
                front.body_at..source.text.len(),
            ),
        ];
        let mut sound = true;
        for (key, text, span) in parts {
            let filters = lint::filters(&text, &self.engine);
            if let Err(error) = self.engine.add_template_owned(key.clone(), text) {
                let message = error.detail().unwrap_or("this isn't a template").to_owned();
                let finding = Finding::new(source, template.span(&error), message);
                findings.push(finding.with_help(SYNTAX_HELP));
                sound = false;
                continue;
            }
            let names: BTreeSet<String> = self
                .engine
                .get_template(&key)
                .map(|compiled| compiled.undeclared_variables(true))
                .unwrap_or_default()
                .into_iter()
                .collect();
            findings.extend(lint::names(source, &span, names));
            findings.extend(filters.into_iter().map(|(at, name)| {
                // Escapes in the TOML text move the columns, so the whole subject is meant.
                let place = if key == template.body_key {
                    span.start + at.start..span.start + at.end
                } else {
                    span.clone()
                };
                lint::no_such_filter(source, place, &name)
            }));
        }
        sound
    }
}

/// `birthday` and `en` of `birthday.en.md`.
fn name_and_language(file: &str) -> Option<(&str, &str)> {
    let (name, language) = file.strip_suffix(".md")?.rsplit_once('.')?;
    let is_tag = (2..=35).contains(&language.len())
        && language
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        && language
            .as_bytes()
            .first()
            .is_some_and(u8::is_ascii_alphabetic);
    (!name.is_empty() && is_tag).then_some((name, language))
}

fn unread(path: &Path, message: &str, help: &str) -> Finding {
    Finding::new(&source(path, String::new()), 0..0, message).with_help(help)
}

fn source(path: &Path, text: String) -> Arc<SourceText> {
    Arc::new(SourceText {
        name: path.display().to_string(),
        text,
    })
}
