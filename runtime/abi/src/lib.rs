//! What a kcc module and its hosts agree on: the manifest's types and the status codes.
//!
//! The manifest is JSON in the custom section [`SECTION`]; `docs/abi.md` says how to write a host from it and
//! `docs/manifest.schema.json` is its schema. Hosts refuse another major version, ignore unknown fields of a newer
//! minor one and refuse unknown entries of `requires`.

use serde::{Deserialize, Serialize};

pub mod status;

/// Name of the custom section that holds the manifest.
pub const SECTION: &str = "kcc.manifest";
/// ABI version that this crate describes.
pub const ABI_MAJOR: u32 = 0;
/// See [`ABI_MAJOR`].
pub const ABI_MINOR: u32 = 1;
/// Version of the language.
pub const LANGUAGE: &str = "0.1";
/// Address of the error block (see [`status`]).
pub const ERROR_BLOCK: u32 = 16;
/// Number of 64-bit values in the error block.
pub const ERROR_VALUES: usize = 8;
/// Readable bytes behind every buffer.
pub const PADDING: u32 = 16;

/// The manifest of a module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// `[major, minor]`.
    pub abi: [u32; 2],
    /// Language version.
    pub language: String,
    /// Compiler version.
    pub compiler: String,
    /// Profile: `simd128` or `scalar`.
    pub profile: String,
    /// Features of the engine that the module needs beyond the WebAssembly MVP with bulk memory.
    pub requires: Vec<String>,
    /// SHA-256 of names and texts of all sources, in hexadecimal.
    pub source_hash: String,
    /// Memory at instantiation and its ceiling.
    pub memory: Memory,
    /// Entry points.
    pub pipelines: Vec<Pipeline>,
    /// What status codes above [`status::FIRST_FAILURE`] mean.
    pub failures: Vec<Failure>,
}

/// Linear memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// Pages (64 KiB) at instantiation.
    pub initial_pages: u32,
    /// Pages that are never exceeded: the certificate. `None` if some size has no declared bound.
    pub max_pages: Option<u32>,
}

/// An entry point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pipeline {
    /// Its name.
    pub name: String,
    /// Its documentation.
    #[serde(default)]
    pub doc: String,
    /// Export `plan: (sizes and scalars as listed in plan_args) -> status`; absent if all sizes are fixed and nothing
    /// runs at plan time.
    pub plan: Option<String>,
    /// Arguments of `plan`, in order.
    pub plan_args: Vec<PlanArg>,
    /// Export `run: () -> status`.
    pub run: String,
    /// Parameters.
    pub params: Vec<Tensor>,
    /// Results.
    pub results: Vec<Tensor>,
    /// Address of the `i32` that changes whenever views become stale; absent without `plan`.
    pub generation_at: Option<u32>,
    /// Steps, for people and tools: `name` and binding time.
    pub steps: Vec<Step>,
}

/// One argument of `plan`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum PlanArg {
    /// A size variable, `i32`.
    Size {
        /// Its name in the source.
        name: String,
        /// Greatest value allowed, if declared.
        max: Option<u32>,
    },
    /// A scalar parameter that reaches a size; also written to the parameter's memory by `plan`.
    Scalar {
        /// The parameter's name.
        name: String,
        /// Its type.
        elem: String,
    },
}

/// A parameter or result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tensor {
    /// Its name.
    pub name: String,
    /// Element type: `bool i8 u8 i16 u16 i32 u32 i64 u64 f16 f32 f64`.
    pub elem: String,
    /// Extents, outermost first; row-major, no gaps.
    pub dims: Vec<Dim>,
    /// Where its first byte lies.
    pub address: Address,
}

/// An extent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dim {
    /// As written: `H`, `2*H + 1`, `3`.
    pub text: String,
    /// Its value: fixed, a size argument of `plan` (`a * arg + b`), or the `i32` at an address once `plan` succeeded.
    pub value: DimValue,
}

/// How a host learns an extent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DimValue {
    /// A constant.
    Fixed(u32),
    /// `scale * (plan argument number arg) + offset`: how the argument is found from a parameter's shape.
    Arg {
        /// Position in `plan_args`.
        arg: usize,
        /// Factor, at least 1.
        scale: i64,
        /// Summand.
        offset: i64,
    },
    /// The `i32` at this address, after `plan`.
    At(u32),
    /// The data decides: the `i32` here, after each successful `run`. There is room for the greatest that it can be.
    Decided(Address),
}

/// Where a tensor lies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Address {
    /// Always here.
    Fixed(u32),
    /// At the address in the `u32` here, once `plan` succeeded.
    At(u32),
}

/// A step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Stable name.
    pub name: String,
    /// `plan` or `call`.
    pub binding: String,
    /// `wasm` (an open list: hosts refuse kinds they do not know).
    pub kind: String,
}

/// What a status code means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The status.
    pub status: i32,
    /// `index`, `division`, `empty`, `fact`, `assert`.
    pub kind: String,
    /// Message with `{0}`, `{1}` … for the values in the error block.
    pub message: String,
    /// Element types of the values: `i32`, `i64`, `f32`, `f64` … (how to read the 64 bits).
    pub values: Vec<String>,
    /// Pipeline.
    pub pipeline: String,
    /// Source file as named in messages.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}
