//! Documents: text with the places where lines may break, as in Wadler's and Prettier's printers, with two more kinds
//! of node for what programs are full of: rows that fill lines, and bracketed lists.
//!
//! Every node knows its size, so the renderer decides in constant time and visits each node once.

use std::borrow::Cow;

/// A document.
pub struct Doc<'s> {
    /// What it is.
    pub kind: Kind<'s>,
    /// How wide it is.
    pub size: Size,
}

/// The kinds of documents.
pub enum Kind<'s> {
    /// Text on one line.
    Text(Cow<'s, str>),
    /// A comment; the line ends behind it.
    Comment {
        /// With its slashes.
        text: &'s str,
        /// It stands on a line of its own.
        own: bool,
        /// An empty line follows.
        blank: bool,
    },
    /// A line end in a broken group, and this in a flat one.
    Line(&'static str),
    /// A line end, and an empty line if `true`.
    Hard(bool),
    /// Prints nothing; what it stands in cannot be flat.
    Broken,
    /// Lines inside are indented by one level more.
    Nest(Box<Doc<'s>>),
    /// All its lines break, or none.
    Group(Box<Doc<'s>>),
    /// One after the other.
    Seq(Vec<Doc<'s>>),
    /// Elements with a blank or a line end between them.
    Fill(Vec<Doc<'s>>, Flow),
    /// Elements between brackets.
    List(Box<List<'s>>),
}

/// How the elements of a fill flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// New lines begin where the first one did.
    Even,
    /// New lines hang by one level.
    Hang,
    /// As `Hang`, and what stands around should break first.
    Tight,
}

/// Elements between brackets, with their commas: on one line, or one row a line, or everything but the end of the last
/// element on the first line.
pub struct List<'s> {
    /// The opening bracket.
    pub open: Doc<'s>,
    /// The elements, each with its comma but for the last.
    pub rows: Vec<Row<'s>>,
    /// A comma stands behind the last element if rows are broken.
    pub comma: bool,
    /// Comments behind the last element, then on lines of their own.
    pub comments: Vec<Doc<'s>>,
    /// The closing bracket.
    pub close: Doc<'s>,
    /// Blanks stand inside the brackets.
    pub pad: bool,
    /// The last element may go on over several lines while the list does not break.
    pub hug: bool,
}

/// Elements that share a line.
pub struct Row<'s> {
    /// An empty line stands before it.
    pub blank: bool,
    /// Its elements, as a fill if they are several.
    pub doc: Doc<'s>,
}

/// Widths in characters.
#[derive(Clone, Copy)]
pub struct Size {
    /// On one line; `None` if that is impossible.
    pub flat: Option<usize>,
    /// Up to the first place where a line may end.
    pub lead: usize,
    /// Whether there is such a place.
    pub breaks: bool,
    /// It ends with a comment, so nothing may follow on the line.
    pub ends_line: bool,
}

impl<'s> Doc<'s> {
    /// Nothing.
    pub fn empty() -> Doc<'s> {
        Doc::seq(Vec::new())
    }

    /// Text without line ends.
    pub fn text(text: impl Into<Cow<'s, str>>) -> Doc<'s> {
        let text = text.into();
        let width = text.chars().count();
        Doc { kind: Kind::Text(text), size: Size { lead: width, ..Size::flat(width) } }
    }

    /// A comment behind something.
    pub fn trailing(text: &'s str) -> Doc<'s> {
        let kind = Kind::Comment { text, own: false, blank: false };
        Doc { kind, size: Size { breaks: true, ends_line: true, ..Size::flat(0) } }
    }

    /// A comment on a line of its own.
    pub fn comment(text: &'s str, blank: bool) -> Doc<'s> {
        Doc::ends_line(Kind::Comment { text, own: true, blank })
    }

    /// A line end.
    pub fn hard(blank: bool) -> Doc<'s> {
        Doc::ends_line(Kind::Hard(blank))
    }

    fn ends_line(kind: Kind<'s>) -> Doc<'s> {
        Doc { kind, size: Size { flat: None, breaks: true, ..Size::flat(0) } }
    }

    /// Keeps everything around it from being flat.
    pub fn broken() -> Doc<'s> {
        Doc { kind: Kind::Broken, size: Size { flat: None, ..Size::flat(0) } }
    }

    /// A blank or a line end.
    pub fn line() -> Doc<'s> {
        Doc { kind: Kind::Line(" "), size: Size { breaks: true, ..Size::flat(1) } }
    }

    /// See [`Kind::Nest`].
    pub fn nest(doc: Doc<'s>) -> Doc<'s> {
        Doc { size: doc.size, kind: Kind::Nest(Box::new(doc)) }
    }

    /// See [`Kind::Group`].
    pub fn group(doc: Doc<'s>) -> Doc<'s> {
        Doc { size: doc.size, kind: Kind::Group(Box::new(doc)) }
    }

    /// One after the other.
    pub fn seq(mut docs: Vec<Doc<'s>>) -> Doc<'s> {
        if docs.len() == 1 {
            return docs.remove(0);
        }
        let mut size = Size::flat(0);
        docs.iter().for_each(|doc| size.append(doc.size));
        Doc { kind: Kind::Seq(docs), size }
    }

    /// See [`Kind::Fill`].
    pub fn fill(mut items: Vec<Doc<'s>>, flow: Flow) -> Doc<'s> {
        if items.len() == 1 {
            return items.remove(0);
        }
        let mut size = Size::flat(0);
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                let space = if flow == Flow::Tight { Doc::text(" ") } else { Doc::line() };
                size.append(space.size);
            }
            size.append(item.size);
        }
        Doc { kind: Kind::Fill(items, flow), size }
    }

    /// See [`List`].
    pub fn list(list: List<'s>, broken: bool) -> Doc<'s> {
        let mut size = list.open.size;
        let pad = Size { breaks: true, ..Size::flat(usize::from(list.pad && !list.rows.is_empty())) };
        size.append(pad);
        for (index, row) in list.rows.iter().enumerate() {
            if index > 0 {
                size.append(Doc::line().size);
            }
            size.append(row.doc.size);
        }
        list.comments.iter().for_each(|comment| size.append(comment.size));
        size.append(pad);
        size.append(list.close.size);
        if broken {
            size.flat = None;
        }
        Doc { kind: Kind::List(Box::new(list)), size }
    }
}

impl Size {
    /// So wide, without a place to break.
    fn flat(width: usize) -> Size {
        Size { flat: Some(width), lead: 0, breaks: false, ends_line: false }
    }

    fn append(&mut self, next: Size) {
        let is_empty = next.flat == Some(0) && !next.ends_line;
        self.flat = self.flat.zip(next.flat).filter(|_| is_empty || !self.ends_line).map(|(a, b)| a + b);
        self.ends_line = next.ends_line || is_empty && self.ends_line;
        if !self.breaks {
            self.lead += next.lead;
            self.breaks = next.breaks;
        }
    }
}
