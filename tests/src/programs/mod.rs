//! Random well-typed programs: written from a seed, run on every back end, shrunk where these disagree.
//!
//! A program is the compiler's own syntax tree, one pipeline with helper functions and constants around it, and a few calls
//! with other sizes and elements each. It is written so that the compiler accepts it: types are chosen first, extents
//! are compared in the compiler's normal form, and indices are inside by their form, but for the few that may fail on
//! purpose. What the compiler refuses is a fault of this generator, or of the compiler.

mod accesses;
mod bodies;
mod calls;
pub mod campaign;
mod frame;
mod inputs;
mod items;
pub mod random;
pub mod run;
mod scalars;
pub mod shrink;
mod sizes;
pub mod stats;
mod tensors;
pub mod text;
pub mod tree;
mod views;

use crate::array::Array;
use frame::{Frame, Generator};
use random::Random;
use sizes::{CALLS, Sizes};

/// The name of the pipeline of every program.
pub const PIPELINE: &str = "p";

/// A program with its calls.
#[derive(Clone, Debug)]
pub struct Program {
    /// The source.
    pub file: tree::File,
    /// Inputs of each call, in the order of the parameters.
    pub calls: Vec<Vec<(String, Array)>>,
}

impl Program {
    /// The program of a seed.
    pub fn generate(seed: u64) -> Program {
        let mut random = Random::new(seed);
        let mut sizes = Sizes::default();
        let functions = items::std_signatures(&mut sizes);
        let std_calls = random.weighted(&[3, 3, 2]);
        let mut generator = Generator {
            random,
            sizes,
            items: Vec::new(),
            functions,
            constants: Vec::new(),
            frame: Frame::default(),
            fresh: 0,
            std_calls,
            uses_nn: false,
        };
        for _ in 0..generator.random.below(3) {
            generator.constant();
        }
        for _ in 0..generator.random.below(4) {
            generator.function();
        }
        let statements = match generator.random.below(4) {
            0 => generator.random.below(6) + 1,
            1 => generator.random.below(10) + 6,
            _ => generator.random.below(14) + 10,
        };
        let inputs = generator.pipeline(PIPELINE, statements);
        if generator.uses_nn {
            let path = tree::UsePath::Std(vec!["nn".to_string()]);
            let kind = tree::ItemKind::Use(tree::Use { path, path_span: tree::BLANK, alias: None, select: None });
            generator.items.insert(0, tree::Item { doc: String::new(), kind, span: tree::BLANK });
        }
        let mut calls = Vec::new();
        for call in 0..CALLS {
            let mut arrays = Vec::new();
            for input in &inputs {
                let dims: Vec<usize> =
                    input.tensor.dims.iter().map(|dim| generator.sizes.value(dim, call).max(0) as usize).collect();
                let array = match &input.values {
                    Some(values) => Array { elem: input.tensor.elem, dims, bytes: values[call].to_le_bytes() },
                    None => inputs::array(&mut generator.random, input.tensor.elem, dims, call),
                };
                arrays.push((input.name.clone(), array));
            }
            calls.push(arrays);
        }
        Program { file: tree::File { items: generator.items }, calls }
    }

    /// The source as text.
    pub fn text(&self) -> String {
        kcc_compiler::syntax::print::print(&self.file)
    }
}
