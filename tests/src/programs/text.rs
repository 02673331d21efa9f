//! A program as a file of the corpus: its calls and what they must give in header lines, then the source.

use super::run::Outcome;
use super::{PIPELINE, Program};
use crate::array::Array;
use kcc_compiler::types::Scalar;

/// The file; `outcomes` are what the calls must give, with values where results are short.
pub fn corpus_file(program: &Program, title: &str, outcomes: &[Outcome]) -> String {
    let mut text = format!("// {title}\n//\n");
    for (number, inputs) in program.calls.iter().enumerate() {
        text += &format!("// call {PIPELINE}\n");
        for (name, array) in inputs {
            text += &format!("// in {} = {}\n", declaration(name, array), values(array));
        }
        match outcomes.get(number) {
            Some(Ok(results)) => {
                for (name, array) in results {
                    let stated = if array.len() <= 16 { format!(" = {}", values(array)) } else { String::new() };
                    text += &format!("// out {}{stated}\n", declaration(name, array));
                }
            }
            Some(Err(message)) => text += &format!("// fails: {message}\n"),
            None => {}
        }
    }
    text + "\n" + &program.text()
}

fn declaration(name: &str, array: &Array) -> String {
    let dims: Vec<String> = array.dims.iter().map(usize::to_string).collect();
    if dims.is_empty() {
        format!("{name}: {}", array.elem)
    } else {
        format!("{name}: {}[{}]", array.elem, dims.join(", "))
    }
}

fn values(array: &Array) -> String {
    let shown: Vec<String> = array
        .values()
        .map(|value| match array.elem {
            Scalar::F16 => format!("{:04x}", value.bits),
            _ => value.to_string(),
        })
        .collect();
    shown.join(" ")
}
