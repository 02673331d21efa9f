//! The command line.

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::sync::LazyLock;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Compile pipeline kernels to small SIMD WebAssembly modules, and run them.
#[derive(Parser, Debug)]
#[command(name = "kcc", version = VERSION.as_str(), styles = STYLES, max_term_width = 100)]
#[command(after_help = "Examples:
  kcc new resize                                   a folder with a pipeline, a test and hosts
  kcc build pipeline.k                             pipeline.wasm
  kcc run pipeline.k --in photo=@cat.jpg           a summary of the results
  kcc test pipeline.k                              its tests, evaluated and compiled
  kcc fmt pipeline.k                               one style
  kcc explain pipeline.k                           what became of it

Exit codes: 0 fine, 1 the program or its data is at fault, 2 wrong usage, 101 a bug in kcc.")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Take the standard library from this folder instead of the one inside kcc
    #[arg(long, global = true, value_name = "DIR")]
    pub std: Option<PathBuf>,
}

/// Versions of all that a user may need to name in a report.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{} (language {}, ABI {}.{}, std {})",
        env!("CARGO_PKG_VERSION"),
        kcc_abi::LANGUAGE,
        kcc_abi::ABI_MAJOR,
        kcc_abi::ABI_MINOR,
        kcc_std::VERSION
    )
});

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Compile a file to a WebAssembly module
    Build(Build),
    /// Run a pipeline of a source file or of a module
    Run(Run),
    /// Report errors and warnings only
    Check(Check),
    /// Run the tests of a file on the reference evaluator and on the compiled module, and compare
    Test(Test),
    /// Bring source files into the one style
    Fmt(Fmt),
    /// Write pages of documentation for the standard library or a file
    Doc(Doc),
    /// Show what became of each pipeline: fusion, loops, checks, memory
    Explain(Explain),
    /// Show what a module holds
    Inspect(Inspect),
    /// Make a folder with a pipeline, a test and hosts that run it
    New(New),
    /// Print a completion script for a shell
    #[command(after_help = "Example:\n  kcc completions bash > ~/.local/share/bash-completion/completions/kcc")]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// What every command that compiles takes.
#[derive(Args, Debug, Clone)]
pub struct Compile {
    /// Which instructions the module may use; both give the same bits
    #[arg(long, value_enum, default_value_t = Profile::Simd128)]
    pub profile: Profile,
    /// Fix a size variable at build time; may be repeated
    #[arg(long = "size", value_name = "NAME=N", value_parser = size)]
    pub sizes: Vec<(String, i64)>,
    /// Fail if the module could ever need more memory: bytes, or with KiB, MiB, GiB
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub max_memory: Option<u64>,
}

/// Which instructions.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// 128-bit vectors
    Simd128,
    /// None beyond the scalar ones
    Scalar,
}

/// `kcc build`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kcc build pipeline.k
  kcc build pipeline.k -o web/pipeline.wasm --profile scalar
  kcc build pipeline.k --size H=480 --size W=640 --max-memory 64MiB
  kcc build pipeline.k --emit tensor")]
pub struct Build {
    /// The source file
    pub file: PathBuf,
    /// Where to write; default: the source's name with .wasm, or standard output with --emit
    #[arg(short, long, value_name = "OUT")]
    pub output: Option<PathBuf>,
    /// Print a level of the compiler, or the module or its manifest as text, instead of writing the module
    #[arg(long, value_enum, value_name = "KIND")]
    pub emit: Option<Emit>,
    /// See [`Compile`].
    #[command(flatten)]
    pub compile: Compile,
}

/// What `--emit` prints.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Emit {
    /// What was written, as parsed
    Ast,
    /// Names resolved, all typed
    Hir,
    /// Stages after fusion
    Tensor,
    /// Kernels
    Loops,
    /// Steps, buffers and addresses
    Plan,
    /// The module's text form
    Wat,
    /// The module's manifest
    Manifest,
}

/// `kcc run`.
#[derive(Args, Debug)]
#[command(after_help = "Values:
  0.5  [1, 2, 3]  [[1, 2], [3, 4]]  true  \"text\"     literals
  @photo.jpg  .png .webp .bmp                        u8[H, W, C]; alpha is added as 255 if asked for
  @clip.wav                                          i16[N] or f32[N]; [N, C] from several channels
  @x.npy  @x.npz                                     by the parameter's name, or the only array
  @x.json  @x.txt  @x.bin  @x.bin:480x640x4          nested lists, bytes, little-endian elements

Examples:
  kcc run pipeline.k --in photo=@cat.jpg
  kcc run pipeline.wasm preprocess --in photo=@cat.jpg --out result=tensor.npy
  kcc run scale.k --in 'x=[1, 2, 3]' --in gain=0.5 --json
  kcc run pipeline.k --in photo=@cat.jpg --repeat 100")]
pub struct Run {
    /// The source file or module
    pub file: PathBuf,
    /// The pipeline; may be left out if there is only one
    pub pipeline: Option<String>,
    /// A parameter's value, once for each
    #[arg(long = "in", value_name = "NAME=VALUE")]
    pub inputs: Vec<String>,
    /// Write a result to .npy .npz .json .png .wav or .bin instead of printing it; may be repeated
    #[arg(long = "out", value_name = "NAME=FILE")]
    pub outputs: Vec<String>,
    /// What runs it
    #[arg(long, value_enum, default_value_t = Engine::Wasmtime)]
    pub engine: Engine,
    /// Run so many times and print times
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub repeat: Option<u32>,
    /// Print results (or the error) as JSON
    #[arg(long)]
    pub json: bool,
    /// Sample rate of .wav results; default: that of a .wav input
    #[arg(long, value_name = "HZ", value_parser = clap::value_parser!(u32).range(1..))]
    pub rate: Option<u32>,
    /// Keep compiled code in this private folder between runs; who can write there can run code
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,
    /// See [`Compile`].
    #[command(flatten)]
    pub compile: Compile,
}

/// What runs a pipeline.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// The compiled module
    Wasmtime,
    /// The reference evaluator, slow and independent of the code generator
    Eval,
}

/// `kcc check`.
#[derive(Args, Debug)]
pub struct Check {
    /// The source file
    pub file: PathBuf,
    /// Print diagnostics as JSON, for editors
    #[arg(long)]
    pub json: bool,
}

/// `kcc test`.
#[derive(Args, Debug)]
pub struct Test {
    /// The source file
    pub file: PathBuf,
    /// Run only tests whose name holds this text
    pub filter: Option<String>,
    /// See [`Compile`].
    #[command(flatten)]
    pub compile: Compile,
}

/// `kcc fmt`.
#[derive(Args, Debug)]
#[command(after_help = "A block, call or array whose opening bracket ends a line stays broken, and one empty line may
stand between two lines; everything else follows from the text. Comments are kept. Line ends become \\n.

Examples:
  kcc fmt pipeline.k kernels/
  kcc fmt --check .
  kcc fmt --stdin < pipeline.k")]
pub struct Fmt {
    /// Source files, or folders of them
    #[arg(required_unless_present = "stdin", conflicts_with = "stdin", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Change nothing; list the files that would change and fail if there are any
    #[arg(long)]
    pub check: bool,
    /// Read from standard input and write to standard output
    #[arg(long)]
    pub stdin: bool,
}

/// `kcc doc`.
#[derive(Args, Debug)]
#[command(
    after_help = "A `///` comment above an item documents it, in Markdown. A block marked `k` in it holds the statements
of a test: it is run, and the page says whether it passes. Plain comments at the top of a file introduce it, and
`// ---- Title` begins a section.

Examples:
  kcc doc
  kcc doc pipeline.k -o site
  kcc doc std --format md -o docs/std
  kcc doc --check pipeline.k"
)]
pub struct Doc {
    /// The source file, documented with the files it uses; default: std, the standard library
    pub file: Option<PathBuf>,
    /// The folder to write to
    #[arg(short, long, value_name = "DIR", default_value = "doc")]
    pub output: PathBuf,
    /// What to write
    #[arg(long, value_enum, default_value_t = DocFormat::Html)]
    pub format: DocFormat,
    /// Write nothing; list what has no documentation, and fail if hosts see it or an example fails
    #[arg(long)]
    pub check: bool,
}

/// What `kcc doc` writes.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocFormat {
    /// Pages without scripts
    Html,
    /// Markdown files
    Md,
}

/// `kcc explain`.
#[derive(Args, Debug)]
pub struct Explain {
    /// The source file
    pub file: PathBuf,
    /// Only this pipeline
    pub pipeline: Option<String>,
    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
    /// See [`Compile`].
    #[command(flatten)]
    pub compile: Compile,
}

/// `kcc inspect`.
#[derive(Args, Debug)]
pub struct Inspect {
    /// The module
    pub file: PathBuf,
    /// Print the manifest as JSON
    #[arg(long)]
    pub json: bool,
}

/// `kcc new`.
#[derive(Args, Debug)]
pub struct New {
    /// The folder to make
    pub dir: PathBuf,
}

/// `NAME=N`.
fn size(text: &str) -> Result<(String, i64), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=N, for example H=480")?;
    let value: i64 = value.parse().map_err(|_| format!("`{value}` is not a number"))?;
    if name.is_empty() || !(0..=i64::from(i32::MAX)).contains(&value) {
        return Err(format!("a size is between 0 and {}", i32::MAX));
    }
    Ok((name.to_string(), value))
}

/// `64MiB`, `1GiB`, `65536`.
fn bytes(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor: u64 = match &text[digits.len()..] {
        "" | "B" => 1,
        "KiB" | "K" => 1 << 10,
        "MiB" | "M" => 1 << 20,
        "GiB" | "G" => 1 << 30,
        unit => return Err(format!("`{unit}` is no unit: KiB, MiB or GiB")),
    };
    let value: u64 = digits.parse().map_err(|_| format!("`{text}` is not a number of bytes"))?;
    value.checked_mul(factor).ok_or_else(|| format!("`{text}` is too much"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn units_and_sizes() {
        assert_eq!(bytes("64MiB"), Ok(64 << 20));
        assert_eq!(bytes("7"), Ok(7));
        assert!(bytes("64MB").is_err() && bytes("").is_err() && bytes("99999999999GiB").is_err());
        assert_eq!(size("H=480"), Ok(("H".to_string(), 480)));
        assert!(size("H").is_err() && size("=3").is_err() && size("H=-1").is_err() && size("H=9999999999").is_err());
    }
}
