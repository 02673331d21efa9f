//! Scalars that cross the interface by value: scalar arguments of `plan` and the values of a failure.

use std::fmt;

/// A scalar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// `bool`.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer.
    UInt(u64),
    /// `f32`; `f16` is widened to it.
    F32(f32),
    /// `f64`.
    F64(f64),
}

impl Value {
    /// The scalar of type `elem` whose canonical bits these are, as in the error block; an unknown type is shown as
    /// an unsigned integer.
    pub(crate) fn from_bits(elem: &str, bits: u64) -> Value {
        match elem {
            "bool" => Value::Bool(bits != 0),
            "i8" | "i16" | "i32" | "i64" => Value::Int(bits as i64),
            "f16" => Value::F32(crate::f16_to_f32(bits as u16)),
            "f32" => Value::F32(f32::from_bits(bits as u32)),
            "f64" => Value::F64(f64::from_bits(bits)),
            _ => Value::UInt(bits),
        }
    }

    /// The argument that `plan` takes for a scalar of type `elem`; `None` if the value is not one of that type.
    /// Integers must be in range, an integer is accepted for a float if it is exact, floats round to `f32`.
    pub(crate) fn to_wasm(self, elem: &str) -> Option<wasmtime::Val> {
        let small = |low: i64, high: i64| {
            let value = self.as_int()?;
            let value = i64::try_from(value).ok()?;
            (low <= value && value <= high).then_some(wasmtime::Val::I32(value as i32))
        };
        match elem {
            "bool" => match self {
                Value::Bool(value) => Some(wasmtime::Val::I32(i32::from(value))),
                _ => None,
            },
            "i8" => small(i64::from(i8::MIN), i64::from(i8::MAX)),
            "u8" => small(0, i64::from(u8::MAX)),
            "i16" => small(i64::from(i16::MIN), i64::from(i16::MAX)),
            "u16" => small(0, i64::from(u16::MAX)),
            "i32" => small(i64::from(i32::MIN), i64::from(i32::MAX)),
            "u32" => small(0, i64::from(u32::MAX)),
            "i64" => i64::try_from(self.as_int()?).ok().map(wasmtime::Val::I64),
            "u64" => u64::try_from(self.as_int()?).ok().map(|value| wasmtime::Val::I64(value as i64)),
            "f16" | "f32" => self.as_float().map(|value| wasmtime::Val::F32((value as f32).to_bits())),
            "f64" => self.as_float().map(|value| wasmtime::Val::F64(value.to_bits())),
            _ => None,
        }
    }

    fn as_int(self) -> Option<i128> {
        match self {
            Value::Int(value) => Some(i128::from(value)),
            Value::UInt(value) => Some(i128::from(value)),
            Value::Bool(_) | Value::F32(_) | Value::F64(_) => None,
        }
    }

    fn as_float(self) -> Option<f64> {
        match self {
            Value::F32(value) => Some(f64::from(value)),
            Value::F64(value) => Some(value),
            Value::Int(_) | Value::UInt(_) => {
                let exact = self.as_int()?;
                let float = exact as f64;
                (float as i128 == exact).then_some(float)
            }
            Value::Bool(_) => None,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Bool(value) => write!(f, "{value}"),
            Value::Int(value) => write!(f, "{value}"),
            Value::UInt(value) => write!(f, "{value}"),
            Value::F32(value) => write!(f, "{value:?}"),
            Value::F64(value) => write!(f, "{value:?}"),
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Bool(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Value {
        Value::Int(i64::from(value))
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Value {
        Value::Int(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Value {
        Value::UInt(u64::from(value))
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Value {
        Value::UInt(value)
    }
}

impl From<f32> for Value {
    fn from(value: f32) -> Value {
        Value::F32(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Value {
        Value::F64(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_must_be_in_range_and_floats_exact() {
        assert!(Value::Int(255).to_wasm("u8").is_some());
        assert!(Value::Int(256).to_wasm("u8").is_none());
        assert!(Value::Int(-1).to_wasm("u64").is_none());
        assert!(Value::UInt(u64::MAX).to_wasm("u64").is_some());
        assert!(Value::UInt(u64::MAX).to_wasm("i64").is_none());
        assert!(Value::Int((1 << 53) + 1).to_wasm("f64").is_none());
        assert!(Value::Int(3).to_wasm("f32").is_some());
        assert!(Value::F32(1.5).to_wasm("i32").is_none());
        assert!(Value::Bool(true).to_wasm("i32").is_none());
        assert!(Value::Int(1).to_wasm("complex64").is_none());
    }

    #[test]
    fn u32_beyond_i32_keeps_its_bits() {
        assert!(matches!(Value::UInt(0xffff_ffff).to_wasm("u32"), Some(wasmtime::Val::I32(-1))));
    }

    #[test]
    fn bits_are_read_by_type() {
        assert_eq!(Value::from_bits("i32", (-3i64) as u64).to_string(), "-3");
        assert_eq!(Value::from_bits("f32", u64::from(0.1f32.to_bits())).to_string(), "0.1");
        assert_eq!(Value::from_bits("f16", 0x3c00).to_string(), "1.0");
        assert_eq!(Value::from_bits("what", 7).to_string(), "7");
    }
}
