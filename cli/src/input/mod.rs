//! Inputs from the command line: `NAME=VALUE`, where a value is a literal or `@FILE`.
//!
//! Every value is decoded for the parameter it is meant for, and checked against its type before anything runs. What
//! is changed on the way (an added alpha channel, integer samples as fractions) is said on standard error.

mod audio;
mod image;
mod literal;
pub mod npy;
mod raw;

use crate::files::read_limited;
use crate::param::Param;
use crate::report::{Fail, Outcome, fault, note};
use kcc_compiler::tensor::eval::TensorValue;
use std::path::{Path, PathBuf};

/// Largest input file.
const MAX_FILE: u64 = 4 << 30;

/// A decoded input.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its value.
    pub value: TensorValue,
    /// Sample rate, if it came from an audio file.
    pub rate: Option<u32>,
}

/// Splits `NAME=VALUE`.
pub fn split(argument: &str) -> Outcome<(&str, &str)> {
    let parts = argument.split_once('=').filter(|(name, _)| !name.is_empty());
    parts.ok_or_else(|| Fail::Usage(format!("`--in {argument}` is not NAME=VALUE")))
}

/// Decodes the inputs of a pipeline, in the order of its parameters; each must be given once.
pub fn decode_all(pipeline: &str, params: &[Param], arguments: &[String]) -> Outcome<Vec<Input>> {
    let mut found: Vec<Option<Input>> = vec![None; params.len()];
    for argument in arguments {
        let (name, value) = split(argument)?;
        let Some(position) = params.iter().position(|param| param.name == name) else {
            return Err(Fail::Usage(format!("pipeline `{pipeline}` has no parameter `{name}`; {}", list(params))));
        };
        if found[position].is_some() {
            return Err(Fail::Usage(format!("parameter `{name}` is given twice")));
        }
        found[position] = Some(decode(&params[position], value)?);
    }
    let missing: Vec<&Param> = params.iter().zip(&found).filter(|(_, value)| value.is_none()).map(|(p, _)| p).collect();
    if let [first, ..] = missing[..] {
        let all: Vec<String> = missing.iter().map(|param| format!("`{}: {}`", param.name, param.type_text())).collect();
        return Err(Fail::Usage(format!(
            "pipeline `{pipeline}` also takes {}; give it with `--in {}=VALUE`",
            all.join(", "),
            first.name
        )));
    }
    Ok(found.into_iter().flatten().collect())
}

fn list(params: &[Param]) -> String {
    if params.is_empty() {
        return "it takes none".to_string();
    }
    let all: Vec<String> = params.iter().map(|param| format!("`{}: {}`", param.name, param.type_text())).collect();
    format!("it takes {}", all.join(", "))
}

/// Decodes one value for its parameter.
fn decode(param: &Param, value: &str) -> Outcome<Input> {
    let input = match value.strip_prefix('@') {
        Some(file) => decode_file(param, file)?,
        None => {
            let value = literal::parse(value, param)
                .map_err(|problem| Fail::Usage(format!("`{}: {}`: {problem}", param.name, param.type_text())))?;
            Input { value, rate: None }
        }
    };
    param.accepts(&input.value).map_err(|problem| Fail::Fault(format!("`{}` {problem}", param.name)))?;
    Ok(input)
}

fn decode_file(param: &Param, file: &str) -> Outcome<Input> {
    let (file, shape) = raw::split_shape(file);
    let path = PathBuf::from(file);
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("").to_ascii_lowercase();
    let known = ["npy", "npz", "png", "jpg", "jpeg", "webp", "bmp", "wav", "txt", "json", "bin"];
    if !known.contains(&extension.as_str()) {
        return Err(Fail::Usage(format!("`@{file}`: files are .{}", known.join(" ."))));
    }
    let bytes = read_limited(&path, MAX_FILE).map_err(|problem| fault(path.display(), problem))?;
    let decoded = decode_bytes(param, &path, &extension, &bytes, shape);
    decoded.map_err(|problem| Fail::Fault(format!("{} for `{}`: {problem}", path.display(), param.name)))
}

fn decode_bytes(
    param: &Param,
    path: &Path,
    extension: &str,
    bytes: &[u8],
    shape: Option<Vec<i64>>,
) -> Result<Input, String> {
    let mut rate = None;
    let mut remarks = Vec::new();
    let value = match extension {
        "npy" => npy::parse(bytes)?,
        "npz" => npy::parse_archive(bytes, &param.name)?,
        "png" | "jpg" | "jpeg" | "webp" | "bmp" => image::decode(bytes, param, &mut remarks)?,
        "wav" => {
            let (value, samples_per_second) = audio::decode(bytes, param, &mut remarks)?;
            rate = Some(samples_per_second);
            value
        }
        "txt" => raw::text(bytes)?,
        "json" => {
            let text = std::str::from_utf8(bytes)
                .map_err(|error| format!("it is not UTF-8 text (byte {})", error.valid_up_to()))?;
            literal::parse(text.strip_prefix('\u{feff}').unwrap_or(text), param)?
        }
        _ => raw::binary(bytes, param, shape)?,
    };
    for remark in remarks {
        note(&format!("{} for `{}`: {remark}", path.display(), param.name));
    }
    Ok(Input { value, rate })
}
