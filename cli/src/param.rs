//! What a pipeline takes and gives, as the command sees it: from a manifest or from Tensor IR alike.

use kcc_abi::DimValue;
use kcc_compiler::size::SizeNames;
use kcc_compiler::tensor::eval::TensorValue;
use kcc_compiler::tensor::{Pipeline, TensorId};
use kcc_compiler::types::Scalar;

/// A parameter or result.
#[derive(Clone, Debug)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// Its element type.
    pub elem: Scalar,
    /// Its extents.
    pub dims: Vec<Extent>,
}

/// An extent as declared.
#[derive(Clone, Debug)]
pub struct Extent {
    /// As written.
    pub text: String,
    /// Its value, if it is a constant.
    pub fixed: Option<i64>,
}

impl Param {
    /// From a manifest, whose element types the runtime has checked.
    pub fn of_manifest(tensor: &kcc_abi::Tensor) -> Result<Param, String> {
        let elem = Scalar::from_name(&tensor.elem).ok_or_else(|| format!("unknown element type {}", tensor.elem))?;
        let dims = tensor.dims.iter().map(|dim| Extent {
            text: dim.text.clone(),
            fixed: match dim.value {
                DimValue::Fixed(value) => Some(i64::from(value)),
                DimValue::Arg { .. } | DimValue::At(_) | DimValue::Decided(_) => None,
            },
        });
        Ok(Param { name: tensor.name.clone(), elem, dims: dims.collect() })
    }

    /// From Tensor IR.
    pub fn of_tensor(name: &str, pipeline: &Pipeline, tensor: TensorId, names: &SizeNames) -> Param {
        let described = &pipeline.tensors[tensor];
        let dims = described.dims.iter().map(|dim| Extent { text: names.show(dim), fixed: dim.as_const() });
        Param { name: name.to_string(), elem: described.elem, dims: dims.collect() }
    }

    /// Its type as written: `u8[H, W, 4]`.
    pub fn type_text(&self) -> String {
        let dims: Vec<&str> = self.dims.iter().map(|dim| dim.text.as_str()).collect();
        if dims.is_empty() { self.elem.to_string() } else { format!("{}[{}]", self.elem, dims.join(", ")) }
    }

    /// Whether a value can be this parameter, as far as that shows before sizes are known.
    pub fn accepts(&self, value: &TensorValue) -> Result<(), String> {
        let shape_fits = self.dims.len() == value.dims.len()
            && self.dims.iter().zip(&value.dims).all(|(dim, extent)| dim.fixed.is_none_or(|fixed| fixed == *extent));
        if value.elem == self.elem && shape_fits {
            return Ok(());
        }
        let mut text = format!("is {}, expected {}", value_type(value), self.type_text());
        if value.elem != self.elem && shape_fits {
            text.push_str(&format!("; save it as {}", numpy_name(self.elem)));
        }
        Err(text)
    }
}

/// A value's type: `u8[480, 640, 4]`.
pub fn value_type(value: &TensorValue) -> String {
    if value.dims.is_empty() {
        return value.elem.to_string();
    }
    let dims: Vec<String> = value.dims.iter().map(i64::to_string).collect();
    format!("{}[{}]", value.elem, dims.join(", "))
}

/// What NumPy calls a type.
fn numpy_name(elem: Scalar) -> &'static str {
    match elem {
        Scalar::Bool => "bool",
        Scalar::I8 => "int8",
        Scalar::U8 => "uint8",
        Scalar::I16 => "int16",
        Scalar::U16 => "uint16",
        Scalar::I32 => "int32",
        Scalar::U32 => "uint32",
        Scalar::I64 => "int64",
        Scalar::U64 => "uint64",
        Scalar::F16 => "float16",
        Scalar::F32 => "float32",
        Scalar::F64 => "float64",
    }
}

/// Number of elements of a shape; `None` if it is not a possible one.
pub fn elements(dims: &[i64]) -> Option<usize> {
    let count = dims.iter().try_fold(1i64, |count, dim| count.checked_mul(*dim).filter(|_| *dim >= 0))?;
    usize::try_from(count).ok()
}
