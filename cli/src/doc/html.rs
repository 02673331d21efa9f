//! Documentation as HTML: pages without scripts and without other files, for phones, desktops and paper, light and dark.

use super::{Item, Module, Part, Section};
use kcc_compiler::syntax::highlight::{Class, classes};
use pulldown_cmark::{CodeBlockKind, CowStr, Event, Options, Parser, Tag, TagEnd, html};
use std::fmt::Write;

const STYLE: &str = include_str!("style.css");

/// What pages know of each other: where links lead.
pub struct Site<'a> {
    /// Shown at the top of each page.
    pub title: &'a str,
    /// All pages.
    pub modules: &'a [Module],
}

impl Site<'_> {
    /// The page that leads to the modules.
    pub fn index(&self) -> String {
        let mut main = format!("<h1>{}</h1>\n", escape(self.title));
        for module in self.modules {
            let _ = writeln!(
                main,
                "<section class=\"module\">\n<h2><a href=\"{0}.html\">{0}</a></h2>\n{1}<p class=\"items\">",
                escape(&module.name),
                self.markdown(module.summary(), module)
            );
            for item in module.items() {
                let _ = writeln!(
                    main,
                    "<a href=\"{}.html#{1}\"><code>{1}</code></a>",
                    escape(&module.name),
                    escape(&item.name)
                );
            }
            main.push_str("</p>\n</section>\n");
        }
        self.page(self.title, None, &main)
    }

    /// The page of a module.
    pub fn module(&self, module: &Module) -> String {
        let mut main = format!("<h1>{}</h1>\n", escape(&module.name));
        if let Some(usage) = &module.usage {
            let _ = writeln!(main, "<pre class=\"usage\"><code>{}</code></pre>", code(usage));
        }
        main.push_str(&self.markdown(&module.intro, module));
        for section in &module.sections {
            if !section.title.is_empty() {
                let _ = writeln!(main, "<h2 id=\"{}\">{}</h2>", slug(&section.title), escape(&section.title));
            }
            section.items.iter().for_each(|item| self.item(item, module, &mut main));
        }
        self.page(&format!("{} – {}", module.name, self.title), Some(module), &main)
    }

    fn item(&self, item: &Item, module: &Module, out: &mut String) {
        let name = escape(&item.name);
        let _ = writeln!(
            out,
            "<article id=\"{name}\">\n<h3><a href=\"#{name}\">{name}</a> <small>{}</small></h3>\n<pre class=\"signature\"><code>{}</code></pre>",
            item.kind,
            code(&item.signature)
        );
        for part in &item.doc {
            match part {
                Part::Text(text) => out.push_str(&self.markdown(text, module)),
                Part::Example(example, outcome) => {
                    let verdict = match outcome {
                        Ok(()) => "<figcaption class=\"passes\">passes</figcaption>".to_string(),
                        Err(why) => format!("<figcaption class=\"fails\">fails: {}</figcaption>", escape(why)),
                    };
                    let _ =
                        writeln!(out, "<figure><pre><code>{}</code></pre>{verdict}</figure>", code(example.trim_end()));
                }
            }
        }
        if !item.facts.is_empty() {
            out.push_str("<ul class=\"facts\">\n");
            for fact in &item.facts {
                let text = self.markdown(fact, module);
                let text = text.trim().trim_start_matches("<p>").trim_end_matches("</p>");
                let _ = writeln!(out, "<li>{text}</li>");
            }
            out.push_str("</ul>\n");
        }
        let _ = writeln!(out, "<p class=\"source\">{}:{}</p>\n</article>", escape(&module.file), item.line);
    }

    /// A whole page. On wide screens what is in `nav` stands beside it.
    fn page(&self, title: &str, module: Option<&Module>, main: &str) -> String {
        let mut nav = format!("<p class=\"site\"><a href=\"index.html\">{}</a></p>\n", escape(self.title));
        nav.push_str("<p class=\"modules\">");
        for other in self.modules {
            let here =
                if module.is_some_and(|module| module.name == other.name) { " aria-current=\"page\"" } else { "" };
            let _ = writeln!(nav, "<a href=\"{0}.html\"{here}>{0}</a>", escape(&other.name));
        }
        nav.push_str("</p>\n");
        if let Some(module) = module {
            nav.push_str("<details><summary>On this page</summary>\n");
            module.sections.iter().for_each(|section| contents(section, &mut nav));
            nav.push_str("</details>\n");
        }
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n\
             <body>\n<nav>\n{nav}</nav>\n<main>\n{main}</main>\n</body>\n</html>\n",
            escape(title)
        )
    }

    /// Markdown → HTML. `k` blocks are coloured, names of documented items lead to them, and HTML in it is text: who reads
    /// documentation of a program trusts neither its scripts nor its links with them.
    fn markdown(&self, text: &str, module: &Module) -> String {
        let mut in_code: Option<String> = None;
        let mut events = Vec::new();
        for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) if &*language == "k" => {
                    in_code = Some(String::new());
                }
                Event::End(TagEnd::CodeBlock) if in_code.is_some() => {
                    let text = in_code.take().unwrap_or_default();
                    events.push(Event::Html(format!("<pre><code>{}</code></pre>\n", code(text.trim_end())).into()));
                }
                Event::Text(text) if in_code.is_some() => in_code.iter_mut().for_each(|code| code.push_str(&text)),
                Event::Code(text) => match self.target(&text, module) {
                    Some(target) => {
                        let link = format!("<a href=\"{target}\"><code>{}</code></a>", escape(&text));
                        events.push(Event::InlineHtml(link.into()));
                    }
                    None => events.push(Event::Code(text)),
                },
                Event::Html(text) | Event::InlineHtml(text) => events.push(Event::Text(text)),
                Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
                    let is_safe =
                        dest_url.starts_with("https://") || dest_url.starts_with("http://") || !dest_url.contains(':');
                    let dest_url = if is_safe { dest_url } else { CowStr::from("#") };
                    events.push(Event::Start(Tag::Link { link_type, dest_url, title, id }));
                }
                other => events.push(other),
            }
        }
        let mut out = String::new();
        html::push_html(&mut out, events.into_iter());
        out
    }

    /// Where the name of an item or a module leads: `softmax`, `nn.softmax`, `math32.k`.
    fn target(&self, name: &str, here: &Module) -> Option<String> {
        if let Some(module) = self.modules.iter().find(|module| name.strip_suffix(".k") == Some(&module.name)) {
            return Some(format!("{}.html", module.name));
        }
        let (page, item) = match name.split_once('.') {
            Some((module, item)) => (self.modules.iter().find(|known| known.name == module)?, item),
            None => (here, name),
        };
        let item = item.split('(').next().unwrap_or(item);
        page.items().any(|known| known.name == item).then(|| format!("{}.html#{item}", page.name))
    }
}

/// A section in the contents of its page.
fn contents(section: &Section, out: &mut String) {
    if !section.title.is_empty() {
        let _ = writeln!(out, "<a class=\"title\" href=\"#{}\">{}</a>", slug(&section.title), escape(&section.title));
    }
    out.push_str("<ul>\n");
    for item in &section.items {
        let _ = writeln!(out, "<li><a href=\"#{0}\">{0}</a></li>", escape(&item.name));
    }
    out.push_str("</ul>\n");
}

/// A program with its parts marked.
fn code(text: &str) -> String {
    let mut out = String::new();
    let mut at = 0;
    for (range, class) in classes(text) {
        out.push_str(&escape(&text[at..range.start]));
        let class = match class {
            Class::Keyword => "k",
            Class::Type => "t",
            Class::Number => "n",
            Class::Text => "s",
            Class::Comment => "c",
            Class::Function => "f",
        };
        let _ = write!(out, "<span class=\"{class}\">{}</span>", escape(&text[range.clone()]));
        at = range.end;
    }
    out + &escape(&text[at..])
}

/// The anchor of a title. Items have their names; titles begin with `-`, which no name does.
fn slug(title: &str) -> String {
    let words: String =
        title.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    format!("-{words}")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
