//! Source text and places in it, and the door through which the compiler asks for more text.
//!
//! The compiler does no I/O: whoever calls it hands over a [`Resolver`]. Spans are byte offsets into
//! the text as given, minus a byte order mark; every span lies inside its file.

/// A source file's number in its [`SourceMap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A half-open range of bytes in one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The smallest span over both; both must be in the same file, otherwise `self` is returned.
    pub fn to(self, other: Span) -> Span {
        if self.file != other.file {
            return self;
        }
        Span { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// One source file. `name` is what messages and the manifest show: `pipeline.k`, `std/nn.k`.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Name as shown to people; never an absolute path.
    pub name: String,
    /// Text without byte order mark and with `\n` line ends, so CRLF and BOM sources compile alike.
    pub text: String,
    /// Whether the file belongs to the standard library (diagnostics point at user files first).
    pub is_std: bool,
}

/// All files of one compilation.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
}

impl SourceMap {
    /// Adds a file; normalises a byte order mark and CRLF line ends away.
    pub fn add(&mut self, name: impl Into<String>, text: &str, is_std: bool) -> FileId {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
        self.files.push(SourceFile { name: name.into(), text, is_std });
        FileId(self.files.len() as u32 - 1)
    }

    /// The file with this number.
    pub fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    /// All files in order of loading.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.files.iter().enumerate().map(|(index, file)| (FileId(index as u32), file))
    }

    /// The text that a span covers.
    pub fn text(&self, span: Span) -> &str {
        &self.file(span.file).text[span.start as usize..span.end as usize]
    }

    /// Line and column of a span's start, both counted from 1, columns in characters.
    pub fn line_column(&self, span: Span) -> (u32, u32) {
        let before = &self.file(span.file).text[..span.start as usize];
        let line = before.matches('\n').count() as u32 + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() as u32 + 1;
        (line, column)
    }
}

/// What the compiler may ask its caller for. Paths are as written in the source, relative to `from`.
pub trait Resolver {
    /// Text of `use "path"` or of a std module (`use std.nn` asks with path `std/nn.k` and `from` empty).
    ///
    /// # Errors
    /// One sentence that says why it could not be had (missing, not UTF-8 with the byte offset, unreadable).
    fn source(&self, from: &str, path: &str) -> Result<Resolved, String>;

    /// Bytes of `embed("path")` and its relatives.
    ///
    /// # Errors
    /// One sentence that says why it could not be had.
    fn bytes(&self, from: &str, path: &str) -> Result<Vec<u8>, String>;
}

/// A source text that a [`Resolver`] found.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// Canonical name: two `use` of one file give one name. Shown in messages.
    pub name: String,
    /// The text.
    pub text: String,
    /// Whether it is part of the standard library.
    pub is_std: bool,
}
