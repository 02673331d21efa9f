//! What can go wrong, as values: a module that is refused, a wrong use of the interface, a call that failed.
//!
//! Messages are lower case without a full stop and name what was expected and what was found. Nothing here panics,
//! whatever a module or its manifest holds.

use crate::value::Value;
use std::fmt;
use std::path::PathBuf;

/// Why something could not be done.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be read or written.
    Io {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The folder of the compiled-code cache is not safe to load code from.
    CacheFolder {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The bytes are not a WebAssembly module that the engine accepts.
    Module(String),
    /// The module is WebAssembly but its manifest is missing, malformed or does not fit the module.
    Manifest(String),
    /// The module was built for another major version of the ABI.
    Abi {
        /// `[major, minor]` of the module.
        found: [u32; 2],
        /// `[major, minor]` of this runtime.
        supported: [u32; 2],
    },
    /// The module needs something that this runtime does not offer.
    Requires(Vec<String>),
    /// There is no such pipeline.
    NoPipeline {
        /// The name that was asked for.
        name: String,
        /// The names that exist.
        known: Vec<String>,
    },
    /// The pipeline has no such parameter or result.
    NoTensor {
        /// The pipeline.
        pipeline: String,
        /// The name that was asked for.
        name: String,
        /// The names that exist.
        known: Vec<String>,
    },
    /// A tensor was accessed as another element type than it has.
    ElementType {
        /// The tensor.
        tensor: String,
        /// The type it has.
        expected: String,
        /// The type that was asked for.
        found: &'static str,
    },
    /// Sizes or shapes do not fit the pipeline.
    Shape(String),
    /// A scalar argument is missing, unknown or not representable in its type.
    Argument(String),
    /// A call that needs a successful plan came before one, or after another plan moved the tensors.
    NotPlanned {
        /// The pipeline.
        pipeline: String,
    },
    /// Two tensors cannot share memory.
    Bind(String),
    /// The pipeline ran and reported a failure.
    Call(Box<CallError>),
    /// The module trapped, which modules made by kcc never do.
    Trap(String),
}

/// A failure that a module reported by its status.
#[derive(Clone, Debug, PartialEq)]
pub struct CallError {
    /// The pipeline.
    pub pipeline: String,
    /// The status code.
    pub status: i32,
    /// `index`, `division`, `empty`, `fact`, `assert`, or for codes of the ABI `size`, `memory`, `plan`.
    pub kind: String,
    /// What happened, with the values in place.
    pub message: String,
    /// The values, in the order in which the message has them.
    pub values: Vec<Value>,
    /// The source line that failed, if the code belongs to one.
    pub place: Option<Place>,
}

/// A place in a source file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file as the compiler names it.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.pipeline, self.message)?;
        match &self.place {
            Some(place) => write!(f, " ({}:{}:{})", place.file, place.line, place.column),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Io { path, source } => write!(f, "{}: {source}", path.display()),
            Error::CacheFolder { path, reason } => {
                write!(f, "{} cannot hold compiled code: {reason}", path.display())
            }
            Error::Module(reason) => write!(f, "not a module that can be run: {reason}"),
            Error::Manifest(reason) => write!(f, "the module's manifest is not usable: {reason}"),
            Error::Abi { found, supported } => write!(
                f,
                "the module was built for ABI {}.{}, this runtime has ABI {}.{}",
                found[0], found[1], supported[0], supported[1]
            ),
            Error::Requires(features) => {
                write!(f, "the module requires what this runtime does not offer: {}", features.join(", "))
            }
            Error::NoPipeline { name, known } => {
                write!(f, "there is no pipeline `{name}`, the module has {}", list(known))
            }
            Error::NoTensor { pipeline, name, known } => {
                write!(f, "pipeline `{pipeline}` has no `{name}`, it has {}", list(known))
            }
            Error::ElementType { tensor, expected, found } => {
                write!(f, "`{tensor}` has elements of type {expected}, not {found}")
            }
            Error::Shape(text) | Error::Argument(text) | Error::Bind(text) => f.write_str(text),
            Error::NotPlanned { pipeline } => {
                write!(f, "pipeline `{pipeline}` has no valid plan: call `plan` before its tensors are used")
            }
            Error::Call(error) => error.fmt(f),
            Error::Trap(reason) => write!(f, "the module trapped: {reason}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl std::error::Error for CallError {}

/// Names for a message.
fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_string();
    }
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
