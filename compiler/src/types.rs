//! Scalar types and scalar constants: what every level of the compiler agrees on.
//!
//! A [`Const`] keeps its value as 64 bits in a canonical form (see [`Const::new`]), so equality of
//! constants is equality of bits.

use std::fmt;

/// A scalar type. `F16` is a storage type: loads widen it to `F32`, stores round to even.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Scalar {
    Bool,
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
    F16,
    F32,
    F64,
}

impl Scalar {
    /// All scalar types, in the order of the language page.
    pub const ALL: [Scalar; 12] = [
        Scalar::Bool,
        Scalar::I8,
        Scalar::U8,
        Scalar::I16,
        Scalar::U16,
        Scalar::I32,
        Scalar::U32,
        Scalar::I64,
        Scalar::U64,
        Scalar::F16,
        Scalar::F32,
        Scalar::F64,
    ];

    /// Name in the language and in the manifest.
    pub fn name(self) -> &'static str {
        match self {
            Scalar::Bool => "bool",
            Scalar::I8 => "i8",
            Scalar::U8 => "u8",
            Scalar::I16 => "i16",
            Scalar::U16 => "u16",
            Scalar::I32 => "i32",
            Scalar::U32 => "u32",
            Scalar::I64 => "i64",
            Scalar::U64 => "u64",
            Scalar::F16 => "f16",
            Scalar::F32 => "f32",
            Scalar::F64 => "f64",
        }
    }

    /// The type with this name.
    pub fn from_name(name: &str) -> Option<Scalar> {
        Scalar::ALL.into_iter().find(|scalar| scalar.name() == name)
    }

    /// Bytes that one element takes in memory; `bool` takes one (0 or 1).
    pub fn bytes(self) -> u32 {
        match self {
            Scalar::Bool | Scalar::I8 | Scalar::U8 => 1,
            Scalar::I16 | Scalar::U16 | Scalar::F16 => 2,
            Scalar::I32 | Scalar::U32 | Scalar::F32 => 4,
            Scalar::I64 | Scalar::U64 | Scalar::F64 => 8,
        }
    }

    /// Bits of an integer type (bool counts as 1).
    pub fn bits(self) -> u32 {
        if self == Scalar::Bool { 1 } else { self.bytes() * 8 }
    }

    /// Whether it is `f16`, `f32` or `f64`.
    pub fn is_float(self) -> bool {
        matches!(self, Scalar::F16 | Scalar::F32 | Scalar::F64)
    }

    /// Whether it is an integer type; `bool` is not.
    pub fn is_int(self) -> bool {
        !self.is_float() && self != Scalar::Bool
    }

    /// Whether it is a signed integer type.
    pub fn is_signed(self) -> bool {
        matches!(self, Scalar::I8 | Scalar::I16 | Scalar::I32 | Scalar::I64)
    }

    /// Least and greatest value of an integer type or of `bool`.
    pub fn int_range(self) -> Option<(i128, i128)> {
        if self.is_float() {
            return None;
        }
        let bits = self.bits();
        Some(if self.is_signed() {
            (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1)
        } else {
            (0, (1i128 << bits) - 1)
        })
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A scalar constant.
///
/// Canonical bits: signed integers sign-extended to 64 bits, unsigned ones and `bool` zero-extended;
/// `f64` its IEEE bits, `f32` and `f16` their IEEE bits in the low part. `f16` keeps 16 bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Const {
    /// The type.
    pub ty: Scalar,
    /// The canonical bits.
    pub bits: u64,
}

impl Const {
    /// An integer or `bool` constant; the value wraps into the type.
    pub fn int(ty: Scalar, value: i128) -> Const {
        debug_assert!(!ty.is_float());
        let width = ty.bits();
        let low = (value as u128) & (u128::MAX >> (128 - width));
        let bits = if ty.is_signed() && low >> (width - 1) == 1 {
            (low as i128 - (1i128 << width)) as u64
        } else {
            low as u64
        };
        Const { ty, bits }
    }

    /// An `i32`, the type of indices and sizes used as values.
    pub fn i32(value: i32) -> Const {
        Const::int(Scalar::I32, i128::from(value))
    }

    /// A `bool`.
    pub fn bool(value: bool) -> Const {
        Const { ty: Scalar::Bool, bits: u64::from(value) }
    }

    /// An `f32`.
    pub fn f32(value: f32) -> Const {
        Const { ty: Scalar::F32, bits: u64::from(value.to_bits()) }
    }

    /// An `f64`.
    pub fn f64(value: f64) -> Const {
        Const { ty: Scalar::F64, bits: value.to_bits() }
    }

    /// The value of an integer or `bool` constant.
    pub fn as_int(self) -> i128 {
        debug_assert!(!self.ty.is_float());
        if self.ty.is_signed() { i128::from(self.bits as i64) } else { i128::from(self.bits) }
    }

    /// The value of an `f32` constant.
    pub fn as_f32(self) -> f32 {
        debug_assert_eq!(self.ty, Scalar::F32);
        f32::from_bits(self.bits as u32)
    }

    /// The value of an `f64` constant.
    pub fn as_f64(self) -> f64 {
        debug_assert_eq!(self.ty, Scalar::F64);
        f64::from_bits(self.bits)
    }

    /// The element as it lies in memory, little-endian, `ty.bytes()` long.
    pub fn to_le_bytes(self) -> Vec<u8> {
        self.bits.to_le_bytes()[..self.ty.bytes() as usize].to_vec()
    }

    /// Reads an element as it lies in memory; `bytes` must be `ty.bytes()` long.
    pub fn from_le_bytes(ty: Scalar, bytes: &[u8]) -> Const {
        let mut wide = [0u8; 8];
        wide[..bytes.len()].copy_from_slice(bytes);
        let raw = u64::from_le_bytes(wide);
        if ty.is_float() { Const { ty, bits: raw } } else { Const::int(ty, i128::from(raw)) }
    }
}

impl fmt::Display for Const {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ty {
            Scalar::Bool => write!(f, "{}", self.bits != 0),
            Scalar::F64 => write!(f, "{:?}", self.as_f64()),
            Scalar::F32 => write!(f, "{:?}", self.as_f32()),
            Scalar::F16 => write!(f, "f16:{:04x}", self.bits),
            _ => write!(f, "{}", self.as_int()),
        }
    }
}

impl fmt::Debug for Const {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self, self.ty)
    }
}
