//! Reading linear memory without trusting anyone: every address and length is compared with the memory's size.

use crate::element::{Element, element_bytes};
use crate::error::Error;
use kcc_abi::{Address, DimValue, Tensor};
use std::ops::Range;
use wasmtime::Val;

/// The `i32` at an address.
pub(crate) fn read_i32(data: &[u8], at: u32) -> Result<i32, Error> {
    let bytes = data.get(at as usize..).and_then(|rest| rest.first_chunk::<4>()).ok_or_else(|| outside(at))?;
    Ok(i32::from_le_bytes(*bytes))
}

/// Writes the `i32` at an address.
pub(crate) fn write_i32(data: &mut [u8], at: u32, value: i32) -> Result<(), Error> {
    let bytes = data.get_mut(at as usize..).and_then(|rest| rest.first_chunk_mut::<4>()).ok_or_else(|| outside(at))?;
    *bytes = value.to_le_bytes();
    Ok(())
}

fn outside(at: u32) -> Error {
    Error::Manifest(format!("address {at} lies outside the memory"))
}

/// Finds every extent of a tensor. `shape` has the tensor's rank. What the data decides is 0 until a run decided it.
pub(crate) fn read_shape(
    data: &[u8],
    tensor: &Tensor,
    args: &[Val],
    decided: bool,
    shape: &mut [u32],
) -> Result<(), Error> {
    for (dim, extent) in tensor.dims.iter().zip(shape) {
        let value = match dim.value {
            DimValue::Fixed(value) => Some(value),
            DimValue::Arg { arg, scale, offset } => args
                .get(arg)
                .and_then(Val::i32)
                .and_then(|size| i64::from(size).checked_mul(scale)?.checked_add(offset))
                .and_then(|value| u32::try_from(value).ok()),
            DimValue::At(at) => u32::try_from(read_i32(data, at)?).ok(),
            DimValue::Decided(_) if !decided => Some(0),
            DimValue::Decided(address) => u32::try_from(read_i32(data, start(data, address)?)?).ok(),
        };
        *extent = value.filter(|value| *value <= i32::MAX as u32).ok_or_else(|| {
            Error::Manifest(format!("extent `{}` of `{}` is not a possible size", dim.text, tensor.name))
        })?;
    }
    Ok(())
}

/// The address of the first byte.
fn start(data: &[u8], address: Address) -> Result<u32, Error> {
    match address {
        Address::Fixed(address) => Ok(address),
        Address::At(slot) => Ok(read_i32(data, slot)? as u32),
    }
}

/// Whether the data decides an extent of a tensor.
pub(crate) fn is_decided(tensor: &Tensor) -> bool {
    tensor.dims.iter().any(|dim| matches!(dim.value, DimValue::Decided(_)))
}

/// Where the elements of a tensor of this shape lie now.
pub(crate) fn range(data: &[u8], tensor: &Tensor, shape: &[u32]) -> Result<Range<usize>, Error> {
    let size = element_bytes(&tensor.elem).unwrap_or(0);
    // An empty axis makes the tensor empty, whatever the product of the others.
    let bytes = if shape.contains(&0) {
        Some(0)
    } else {
        shape.iter().try_fold(size, |bytes, extent| bytes.checked_mul(u64::from(*extent)))
    };
    if bytes == Some(0) {
        return Ok(0..0);
    }
    let address = start(data, tensor.address)?;
    let end = bytes.and_then(|bytes| bytes.checked_add(u64::from(address)));
    match end {
        Some(end) if end <= data.len() as u64 && u64::from(address) % size == 0 => Ok(address as usize..end as usize),
        _ => Err(Error::Manifest(format!(
            "`{}` with shape {shape:?} at address {address} does not lie aligned inside the memory of {} bytes",
            tensor.name,
            data.len()
        ))),
    }
}

/// Whether a tensor's elements may be viewed as `T`.
pub(crate) fn element<T: Element>(tensor: &Tensor) -> Result<(), Error> {
    if T::NAMES.contains(&tensor.elem.as_str()) {
        return Ok(());
    }
    Err(Error::ElementType { tensor: tensor.name.clone(), expected: tensor.elem.clone(), found: T::NAMES[0] })
}

/// Bytes as elements.
pub(crate) fn cast<'a, T: Element>(bytes: &'a [u8], tensor: &Tensor) -> Result<&'a [T], Error> {
    // SAFETY: every bit pattern is a `T` (contract of `Element`).
    match unsafe { bytes.align_to::<T>() } {
        ([], elements, []) => Ok(elements),
        _ => Err(misaligned(tensor)),
    }
}

/// Bytes as elements that can be written.
pub(crate) fn cast_mut<'a, T: Element>(bytes: &'a mut [u8], tensor: &Tensor) -> Result<&'a mut [T], Error> {
    // SAFETY: every bit pattern is a `T`, which has no padding (contract of `Element`).
    match unsafe { bytes.align_to_mut::<T>() } {
        ([], elements, []) => Ok(elements),
        _ => Err(misaligned(tensor)),
    }
}

fn misaligned(tensor: &Tensor) -> Error {
    Error::Manifest(format!("`{}` is not aligned to its elements", tensor.name))
}
