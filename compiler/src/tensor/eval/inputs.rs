//! What is settled before a pipeline's work begins: do the inputs fit, which values do sizes have, do the facts hold,
//! does everything fit into memory. The same questions, in the same order, that a module's `plan` answers.

use super::TensorValue;
use super::error::EvalError;
use crate::size::eval::SizeValues;
use crate::size::{Size, SizeNames};
use crate::tensor::{Pipeline, TensorId};
use crate::types::{Const, Scalar};

/// Bytes that a module can address; all tensors of an evaluation together must fit.
const MEMORY: u64 = 1 << 32;

/// Checks element types and ranks and finds the values of sizes and of the scalars that reach them.
pub(crate) fn solve(pipeline: &Pipeline, names: &SizeNames, inputs: &[TensorValue]) -> Result<SizeValues, EvalError> {
    fits(pipeline, inputs)?;
    let mut values = SizeValues::default();
    for (var, tensor) in &pipeline.plan_scalars {
        let Some(position) = pipeline.params.iter().position(|param| param == tensor) else {
            return Err(EvalError::Invalid(format!("the scalar `{}` is no parameter", names.scalar(*var))));
        };
        let input = &inputs[position];
        values.scalars.insert(*var, Const::from_le_bytes(input.elem, &input.bytes));
    }
    // A dim may hold several variables, of which others are found elsewhere: repeat until nothing new is found.
    loop {
        let before = values.sizes.len();
        for var in pipeline.sizes.iter().filter(|var| !values.sizes.contains_key(var)).copied().collect::<Vec<_>>() {
            for (dim, extent) in extents(pipeline, inputs) {
                let Some((factor, rest)) = dim.solve_for(var) else { continue };
                let Ok(rest) = values.size(&rest) else { continue };
                if (extent - rest) % factor == 0 {
                    values.sizes.insert(var, (extent - rest) / factor);
                    break;
                }
            }
        }
        if values.sizes.len() == before {
            break;
        }
    }
    for (position, (param, input)) in pipeline.params.iter().zip(inputs).enumerate() {
        let tensor = &pipeline.tensors[*param];
        for (axis, (dim, extent)) in tensor.dims.iter().zip(&input.dims).enumerate() {
            if values.size(dim) != Ok(*extent) {
                let (name, expected) = (&tensor.name, names.show_dims(&tensor.dims));
                let found = values.size(dim).map_or_else(|_| names.show(dim), |value| value.to_string());
                return Err(EvalError::Inputs(format!(
                    "parameter {position} `{name}` has shape {:?}, but {expected} is expected: \
                     axis {axis} has extent {extent}, not {found}",
                    input.dims
                )));
            }
        }
    }
    if let Some(var) = pipeline.sizes.iter().find(|var| !values.sizes.contains_key(var)) {
        return Err(EvalError::Inputs(format!("no input decides the size `{}`", names.size(*var))));
    }
    Ok(values)
}

/// All extents of parameters with the extents of the inputs.
fn extents<'a>(pipeline: &'a Pipeline, inputs: &'a [TensorValue]) -> impl Iterator<Item = (&'a Size, i64)> {
    let pairs = pipeline.params.iter().zip(inputs);
    pairs.flat_map(|(param, input)| pipeline.tensors[*param].dims.iter().zip(input.dims.iter().copied()))
}

fn fits(pipeline: &Pipeline, inputs: &[TensorValue]) -> Result<(), EvalError> {
    if inputs.len() != pipeline.params.len() {
        let (name, expected) = (&pipeline.name, pipeline.params.len());
        return Err(EvalError::Inputs(format!("`{name}` takes {expected} inputs, not {}", inputs.len())));
    }
    for (param, input) in pipeline.params.iter().zip(inputs) {
        let tensor = &pipeline.tensors[*param];
        let name = &tensor.name;
        if input.elem != tensor.elem {
            return Err(EvalError::Inputs(format!("`{name}` holds {}, not {}", tensor.elem, input.elem)));
        }
        if input.dims.len() != tensor.dims.len() {
            let (rank, found) = (tensor.dims.len(), input.dims.len());
            return Err(EvalError::Inputs(format!("`{name}` has rank {rank}, not {found}")));
        }
        let bytes = input.dims.iter().try_fold(u64::from(input.elem.bytes()), |bytes, extent| {
            bytes.checked_mul(u64::try_from(*extent).ok()?).filter(|bytes| *bytes <= MEMORY)
        });
        if bytes != Some(input.bytes.len() as u64) {
            let (shape, found) = (&input.dims, input.bytes.len());
            return Err(EvalError::Inputs(format!("`{name}`: {found} bytes do not make up a tensor {shape:?}")));
        }
        if input.elem == Scalar::Bool && input.bytes.iter().any(|byte| *byte > 1) {
            return Err(EvalError::Inputs(format!("`{name}`: a `bool` is 0 or 1")));
        }
    }
    Ok(())
}

/// Checks the facts, and the extents and the number of elements of every tensor.
pub(super) fn check(pipeline: &Pipeline, names: &SizeNames, values: &SizeValues) -> Result<(), EvalError> {
    for fact in pipeline.facts.iter().filter(|fact| !pipeline.is_decided(&fact.size)) {
        let value = values.size(&fact.size).map_err(|error| EvalError::size(fact.text.clone(), error))?;
        if if fact.is_equality { value != 0 } else { value < 0 } {
            return Err(match fact.origin {
                Some(origin) => EvalError::Fact { text: fact.text.clone(), origin },
                None => EvalError::Size { size: names.show(&fact.size), reason: format!("is {value}") },
            });
        }
    }
    let mut bytes = 0u64;
    for (id, tensor) in pipeline.tensors.iter() {
        let elements: i64 = capacity(pipeline, names, values, id)?.iter().product();
        bytes += elements as u64 * u64::from(tensor.elem.bytes());
    }
    if bytes > MEMORY { Err(EvalError::Memory { bytes }) } else { Ok(()) }
}

/// The extents of a tensor; none is negative and their product fits `i32`.
pub(super) fn shape(
    pipeline: &Pipeline,
    names: &SizeNames,
    values: &SizeValues,
    tensor: TensorId,
) -> Result<Vec<i64>, EvalError> {
    extents_of(names, values, &pipeline.tensors[tensor].dims)
}

/// The greatest extents that a tensor can have, whatever the data decides.
pub(super) fn capacity(
    pipeline: &Pipeline,
    names: &SizeNames,
    values: &SizeValues,
    tensor: TensorId,
) -> Result<Vec<i64>, EvalError> {
    let dims: Vec<Size> = pipeline.tensors[tensor].dims.iter().map(|dim| pipeline.greatest(dim)).collect();
    extents_of(names, values, &dims)
}

fn extents_of(names: &SizeNames, values: &SizeValues, dims: &[Size]) -> Result<Vec<i64>, EvalError> {
    let mut extents = Vec::with_capacity(dims.len());
    for dim in dims {
        let extent = values.size(dim).map_err(|error| EvalError::size(names.show(dim), error))?;
        if extent < 0 {
            return Err(EvalError::Size { size: names.show(dim), reason: format!("is {extent}, which is negative") });
        }
        extents.push(extent);
    }
    // Zero extents make the product zero however large the others are.
    let elements = if extents.contains(&0) { Some(0) } else { extents.iter().try_fold(1i64, |n, e| n.checked_mul(*e)) };
    match elements {
        Some(elements) if i32::try_from(elements).is_ok() => Ok(extents),
        _ => {
            let reason = format!("makes a tensor {extents:?} of more than 2147483647 elements");
            Err(EvalError::Size { size: names.show_dims(dims), reason })
        }
    }
}
