//! Reading a folder of cases: `index.json` names the case files, a case file names its arrays.
//!
//! Paths in both are relative to the folder. What an adapter may see of a case is [`Input`] and `params`; the expected
//! arrays are opened by the comparison only.

use crate::array::{Array, read_npy};
use kcc_compiler::types::Scalar;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// One case.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name.
    pub id: String,
    /// Its kind.
    pub kind: String,
    /// What the operation needs.
    pub params: Value,
    /// Inputs in order.
    pub inputs: Vec<Input>,
    /// Expected arrays in order.
    pub expected: Vec<Expected>,
}

/// An input without its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Element type.
    pub elem: Scalar,
    /// Extents.
    pub dims: Vec<usize>,
    /// Where the values are.
    pub file: PathBuf,
}

/// An expected result.
#[derive(Clone, Debug)]
pub struct Expected {
    /// Its name.
    pub name: String,
    /// Where the values are.
    pub file: PathBuf,
    /// How near a result must come.
    pub tolerance: Value,
}

/// Paths of all case files of a folder with their kinds, in the order of the index.
///
/// # Errors
/// A sentence that says what is wrong with the index.
pub fn index(folder: &Path) -> Result<Vec<(String, PathBuf)>, String> {
    let path = folder.join("index.json");
    let index = read_json(&path)?;
    if index["format"] != 1 {
        return Err(format!("{}: format {} is not 1", path.display(), index["format"]));
    }
    let cases = index["cases"].as_array().ok_or_else(|| format!("{}: no list of cases", path.display()))?;
    cases
        .iter()
        .map(|entry| {
            let bad = || format!("{}: an entry without kind and case: {entry}", path.display());
            let kind = entry["kind"].as_str().ok_or_else(bad)?;
            let file = entry["case"].as_str().ok_or_else(bad)?;
            Ok((kind.to_string(), folder.join(file)))
        })
        .collect()
}

/// Reads one case file.
///
/// # Errors
/// A sentence that names the file and what it lacks.
pub fn read_case(folder: &Path, path: &Path) -> Result<Case, String> {
    let case = read_json(path)?;
    let lacks = |what: &str| format!("{}: {what}", path.display());
    let text =
        |value: &Value, key: &str| value[key].as_str().map(str::to_string).ok_or_else(|| lacks(&format!("no {key}")));
    let list = |key: &str| case[key].as_array().ok_or_else(|| lacks(&format!("no {key}")));
    let mut inputs = Vec::new();
    for entry in list("inputs")? {
        let dtype = text(entry, "dtype")?;
        inputs.push(Input {
            name: text(entry, "name")?,
            elem: Scalar::from_name(&dtype).ok_or_else(|| lacks(&format!("dtype {dtype}")))?,
            dims: dims(&entry["shape"]).ok_or_else(|| lacks("a shape that is no list of sizes"))?,
            file: folder.join(text(entry, "file")?),
        });
    }
    let mut expected = Vec::new();
    for entry in list("expected")? {
        expected.push(Expected {
            name: text(entry, "name")?,
            file: folder.join(text(entry, "file")?),
            tolerance: entry["tol"].clone(),
        });
    }
    Ok(Case { id: text(&case, "id")?, kind: text(&case, "kind")?, params: case["params"].clone(), inputs, expected })
}

impl Input {
    /// Reads the values.
    ///
    /// # Errors
    /// A sentence that names the file, also if it does not hold what the case says.
    pub fn read(&self) -> Result<Array, String> {
        let array = read_npy(&self.file)?;
        if array.elem != self.elem || array.dims != self.dims {
            return Err(format!(
                "{}: holds {}{:?}, the case says {}{:?}",
                self.file.display(),
                array.elem,
                array.dims,
                self.elem,
                self.dims
            ));
        }
        Ok(array)
    }
}

fn dims(shape: &Value) -> Option<Vec<usize>> {
    shape.as_array()?.iter().map(|extent| extent.as_u64().map(|extent| extent as usize)).collect()
}

fn read_json(path: &Path) -> Result<Value, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    serde_json::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))
}
