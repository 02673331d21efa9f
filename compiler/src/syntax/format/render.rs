//! Document → text. A group that fits its line stays flat, otherwise its outermost lines break first.
//!
//! A *fill* puts each element on the line if it fits there, on a new line if it fits there, and otherwise leaves it on
//! the line and breaks it inside. A fill inside of a broken one only fills lines. A *list* that does not fit lets its last element go on over several lines if it may,
//! and otherwise has a line for each row. Lines of a fill hang one level deeper than the statement or list element
//! they belong to, however deep they nest in parentheses.

use super::doc::{Doc, Flow, Kind, List};

/// Characters of a line.
pub const WIDTH: usize = 120;
/// Characters of one level of indentation.
const LEVEL: usize = 4;

/// Document → text that ends with a line end, unless it is empty.
pub fn render(doc: &Doc) -> String {
    let mut printer = Printer { out: String::new(), column: 0, indent: 0, due: None };
    printer.print(doc, Place { indent: 0, hang: LEVEL, in_fill: false }, false, 0);
    let mut out = printer.out;
    out.truncate(out.trim_end().len());
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

/// Where new lines begin.
#[derive(Clone, Copy)]
struct Place {
    indent: usize,
    /// For the second and further lines of a fill.
    hang: usize,
    /// Whether a fill of the same statement or list element is broken around this.
    in_fill: bool,
}

impl Place {
    fn inner(self) -> Place {
        Place { indent: self.indent + LEVEL, hang: self.indent + 2 * LEVEL, in_fill: false }
    }
}

struct Printer {
    out: String,
    /// Characters of the current line, with its indentation; 0 if nothing stands there.
    column: usize,
    /// Indentation of the current line, written with its first text.
    indent: usize,
    /// A comment stands on this line, so it ends.
    due: Option<Due>,
}

/// A line end that must come.
#[derive(Clone, Copy)]
struct Due {
    /// Where text goes on, if it is not decided otherwise.
    indent: usize,
    /// An empty line follows.
    blank: bool,
}

impl Printer {
    /// `tail` is what must follow on the line of the document's end.
    fn print(&mut self, doc: &Doc, place: Place, flat: bool, tail: usize) {
        match &doc.kind {
            Kind::Text(text) => self.text(text),
            Kind::Comment { text, own, blank } => self.comment(text, *own, *blank, place),
            Kind::Line(blank) if flat && self.due.is_none() => self.text(blank),
            Kind::Line(_) => self.newline(place.indent, false),
            Kind::Hard(blank) => self.newline(place.indent, *blank),
            Kind::Broken => {}
            Kind::Nest(doc) => self.print(doc, place.inner(), flat, tail),
            Kind::Group(doc) => {
                let flat = flat || self.fits(doc, tail);
                self.print(doc, place, flat, tail);
            }
            Kind::Seq(docs) => {
                for (index, doc) in docs.iter().enumerate() {
                    self.print(doc, place, flat, lead(&docs[index + 1..], tail));
                }
            }
            Kind::Fill(items, flow) => self.fill(items, *flow, place, flat || self.fits(doc, tail), tail),
            Kind::List(list) => self.list(list, place, flat || self.fits(doc, tail), tail),
        }
    }

    fn fits(&self, doc: &Doc, tail: usize) -> bool {
        doc.size.flat.is_some_and(|flat| self.column() + flat + tail <= WIDTH)
    }

    /// Column of the next character.
    fn column(&self) -> usize {
        self.due.map_or(self.column.max(self.indent), |due| due.indent)
    }

    fn fill(&mut self, items: &[Doc], flow: Flow, place: Place, flat: bool, tail: usize) {
        let next_line = if flow == Flow::Even { place.indent } else { place.hang };
        let mut here = Place { in_fill: place.in_fill || flow != Flow::Even, ..place };
        for (index, item) in items.iter().enumerate() {
            let tail = if index + 1 == items.len() { tail } else { 0 };
            if index > 0 {
                let fits = |column: usize| item.size.flat.is_some_and(|flat| column + flat + tail <= WIDTH);
                let lead = item.size.lead + if item.size.breaks { 0 } else { tail };
                let begins_with_comment = item.size.flat.is_none() && item.size.lead == 0 && item.size.breaks;
                let column = self.column() + 1;
                let goes_on = fits(column) || place.in_fill || !fits(next_line);
                if flat || self.due.is_none() && !begins_with_comment && goes_on && column + lead <= WIDTH {
                    self.text(" ");
                } else {
                    self.newline(next_line, false);
                    here.indent = next_line;
                }
            }
            self.print(item, here, flat, tail);
        }
    }

    fn list(&mut self, list: &List, place: Place, flat: bool, tail: usize) {
        let pad = if list.pad && !list.rows.is_empty() { " " } else { "" };
        if flat || self.hugs(list) {
            self.print(&list.open, place, flat, 0);
            self.text(pad);
            for (index, row) in list.rows.iter().enumerate() {
                let is_last = index + 1 == list.rows.len();
                self.print(&row.doc, place, flat || !is_last, if is_last { list.close.size.lead + tail } else { 0 });
                self.text(if is_last { pad } else { " " });
            }
            return self.print(&list.close, place, flat, tail);
        }
        self.print(&list.open, place, false, 0);
        let inner = place.inner();
        for (index, row) in list.rows.iter().enumerate() {
            self.newline(inner.indent, row.blank && index > 0);
            let ends = list.comma && index + 1 == list.rows.len();
            self.print(&row.doc, inner, false, usize::from(ends));
            if ends {
                self.text(",");
            }
        }
        for comment in &list.comments {
            self.print(comment, inner, false, 0);
        }
        if !list.rows.is_empty() || !list.comments.is_empty() {
            self.newline(place.indent, false);
        }
        self.print(&list.close, place, false, tail);
    }

    /// Whether all but the last element fit the line, and the beginning of the last one.
    fn hugs(&self, list: &List) -> bool {
        let [before @ .., last] = &list.rows[..] else { return false };
        let flat: Option<usize> = before.iter().map(|row| row.doc.size.flat.map(|flat| flat + 1)).sum();
        let Some((open, flat)) = list.open.size.flat.zip(flat) else { return false };
        list.hug && last.doc.size.breaks && self.column() + open + flat + last.doc.size.lead <= WIDTH
    }

    fn comment(&mut self, text: &str, own: bool, blank: bool, place: Place) {
        let is_fresh = self.column == 0;
        if own && (!is_fresh || self.due.is_some()) {
            self.newline(place.indent, false);
        } else if !is_fresh {
            self.out.truncate(self.out.trim_end_matches(' ').len());
            self.out.push(' ');
        }
        self.write(text);
        self.due = Some(Due { indent: if own { self.indent } else { place.hang }, blank });
    }

    fn newline(&mut self, indent: usize, blank: bool) {
        let blank = self.due.take().is_some_and(|due| due.blank) || blank;
        self.out.truncate(self.out.trim_end_matches(' ').len());
        self.out.push_str(if blank { "\n\n" } else { "\n" });
        self.column = 0;
        self.indent = indent;
    }

    fn text(&mut self, text: &str) {
        if let Some(due) = self.due {
            self.newline(due.indent, false);
        }
        if self.column > 0 || text != " " {
            self.write(text);
        }
    }

    fn write(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if self.column == 0 {
            self.out.extend(std::iter::repeat_n(' ', self.indent));
            self.column = self.indent;
        }
        self.out.push_str(text);
        self.column += text.chars().count();
    }
}

/// Width of what follows up to the first place where a line may end, `tail` if there is none.
fn lead(docs: &[Doc], tail: usize) -> usize {
    let mut width = 0;
    for doc in docs {
        width += doc.size.lead;
        if doc.size.breaks {
            return width;
        }
    }
    width + tail
}
