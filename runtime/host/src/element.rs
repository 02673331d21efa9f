//! The Rust types that a tensor's elements can be viewed as.
//!
//! Each has the size and alignment of the element in memory and accepts every bit pattern, so that a view of memory
//! that a hostile module wrote is still defined. Therefore a `bool` tensor is viewed as `u8` (0 or 1) and an `f16`
//! tensor as `u16` (its bits; see [`crate::f16_to_f32`]).

/// A type that tensors can be viewed as.
///
/// # Safety
/// Every bit pattern must be a value of the type, which has no padding, and [`Element::NAMES`] must name element types
/// of exactly its size.
pub unsafe trait Element: Copy + Send + Sync + 'static {
    /// Element types of the language that may be viewed so; the first is the type's own name.
    const NAMES: &'static [&'static str];
}

// SAFETY: integers and floats of the stated width, every bit pattern valid, no padding.
unsafe impl Element for u8 {
    const NAMES: &'static [&'static str] = &["u8", "bool"];
}
// SAFETY: as above.
unsafe impl Element for i8 {
    const NAMES: &'static [&'static str] = &["i8"];
}
// SAFETY: as above.
unsafe impl Element for u16 {
    const NAMES: &'static [&'static str] = &["u16", "f16"];
}
// SAFETY: as above.
unsafe impl Element for i16 {
    const NAMES: &'static [&'static str] = &["i16"];
}
// SAFETY: as above.
unsafe impl Element for u32 {
    const NAMES: &'static [&'static str] = &["u32"];
}
// SAFETY: as above.
unsafe impl Element for i32 {
    const NAMES: &'static [&'static str] = &["i32"];
}
// SAFETY: as above.
unsafe impl Element for u64 {
    const NAMES: &'static [&'static str] = &["u64"];
}
// SAFETY: as above.
unsafe impl Element for i64 {
    const NAMES: &'static [&'static str] = &["i64"];
}
// SAFETY: as above.
unsafe impl Element for f32 {
    const NAMES: &'static [&'static str] = &["f32"];
}
// SAFETY: as above.
unsafe impl Element for f64 {
    const NAMES: &'static [&'static str] = &["f64"];
}

/// Bytes of an element of this type in memory; `None` if there is no such type.
pub(crate) fn element_bytes(elem: &str) -> Option<u64> {
    match elem {
        "bool" | "i8" | "u8" => Some(1),
        "i16" | "u16" | "f16" => Some(2),
        "i32" | "u32" | "f32" => Some(4),
        "i64" | "u64" | "f64" => Some(8),
        _ => None,
    }
}

/// The value of an `f16` given by its bits; exact.
pub fn f16_to_f32(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let exponent = u32::from(bits >> 10) & 31;
    let fraction = u32::from(bits & 0x3ff);
    match exponent {
        // Subnormal: fraction * 2^-24, exact in f32.
        0 => {
            let magnitude = fraction as f32 * f32::from_bits(0x3380_0000);
            f32::from_bits(magnitude.to_bits() | sign)
        }
        31 => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        _ => f32::from_bits(sign | (exponent + 112) << 23 | fraction << 13),
    }
}

/// The bits of the `f16` nearest to a value, ties to even; values beyond the range become infinite, every NaN becomes
/// the canonical one.
pub fn f32_to_f16(value: f32) -> u16 {
    if value.is_nan() {
        return 0x7e00;
    }
    let sign = ((value.to_bits() >> 16) & 0x8000) as u16;
    let bits = value.to_bits() & 0x7fff_ffff;
    if bits >= 0x4780_0000 {
        return sign | 0x7c00;
    }
    // Normal in f16: drop 13 bits of fraction; otherwise shift the full significand to units of 2^-24.
    let (kept, rest, half) = if bits >= 0x3880_0000 {
        ((bits - 0x3800_0000) >> 13, bits & 0x1fff, 0x1000)
    } else {
        let shift = 126 - (bits >> 23);
        if shift > 24 {
            return sign;
        }
        let significand = bits & 0x7f_ffff | 0x80_0000;
        (significand >> shift, significand & ((1 << shift) - 1), 1 << (shift - 1))
    };
    let up = rest > half || rest == half && kept & 1 == 1;
    // A carry out of the fraction correctly raises the exponent, up to infinity.
    sign | (kept + u32::from(up)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_f16_survives_the_round_trip() {
        for bits in 0..=u16::MAX {
            let value = f16_to_f32(bits);
            if value.is_nan() {
                assert_eq!(f32_to_f16(value), 0x7e00);
            } else {
                assert_eq!(f32_to_f16(value), bits, "{bits:04x} is {value}");
            }
        }
    }

    #[test]
    fn rounding_is_to_nearest_even() {
        assert_eq!(f32_to_f16(2049.0), 0x6800);
        assert_eq!(f32_to_f16(2051.0), 0x6802);
        assert_eq!(f32_to_f16(65519.0), 0x7bff);
        assert_eq!(f32_to_f16(65520.0), 0x7c00);
        let least = f32::from_bits(0x3380_0000);
        assert_eq!(f32_to_f16(least), 1);
        assert_eq!(f32_to_f16(least / 2.0), 0);
        assert_eq!(f32_to_f16(least * 0.75), 1);
        assert_eq!(f32_to_f16(least * 1.5), 2);
        assert_eq!(f32_to_f16(-0.0), 0x8000);
    }

    #[test]
    fn names_agree_with_sizes() {
        fn check<T: Element>() {
            for name in T::NAMES {
                assert_eq!(element_bytes(name), Some(size_of::<T>() as u64));
            }
        }
        check::<u8>();
        check::<i8>();
        check::<u16>();
        check::<i16>();
        check::<u32>();
        check::<i32>();
        check::<u64>();
        check::<i64>();
        check::<f32>();
        check::<f64>();
        assert_eq!(element_bytes("f8"), None);
    }
}
