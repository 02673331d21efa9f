//! NumPy's `.npy`, versions 1 to 3: a magic number, the length of a header, the header as a Python dictionary, the data.
//!
//! Big-endian and column-major data are brought into the order of [`Array`].

use super::{Array, check_bools, length};
use crate::types::Scalar;

/// Parses a file.
///
/// # Errors
/// What is wrong with it.
pub fn parse(bytes: &[u8]) -> Result<Array, String> {
    let (header, data) = split(bytes)?;
    let header = std::str::from_utf8(header).map_err(|_| "its header is no text".to_string())?;
    let Header { descr, fortran_order, dims } = Cursor { rest: header }.header()?;
    let (big_endian, elem) = element(&descr)
        .ok_or_else(|| format!("its elements have type {descr:?}, for which the language has no type"))?;
    if length(&dims, elem) != Some(data.len()) {
        let bytes = data.len();
        return Err(format!("its header promises shape {dims:?} of {elem}, but it holds {bytes} bytes of data"));
    }
    let size = elem.bytes() as usize;
    let mut bytes = data.to_vec();
    if big_endian {
        bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
    }
    if fortran_order {
        bytes = row_major(&bytes, &dims, size);
    }
    check_bools(elem, &bytes)?;
    Ok(Array { elem, dims, bytes })
}

/// The header's text and the data.
fn split(bytes: &[u8]) -> Result<(&[u8], &[u8]), String> {
    let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or("it does not begin as a .npy file does")?;
    let short = "its header is cut off";
    let ([major, _minor], rest) = rest.split_first_chunk::<2>().ok_or(short)?;
    let (length, rest) = match major {
        1 => rest.split_first_chunk::<2>().map(|(length, rest)| (usize::from(u16::from_le_bytes(*length)), rest)),
        2 | 3 => rest.split_first_chunk::<4>().map(|(length, rest)| (u32::from_le_bytes(*length) as usize, rest)),
        _ => return Err(format!("it has version {major} of the format, which is not known")),
    }
    .ok_or(short)?;
    rest.split_at_checked(length).ok_or_else(|| short.to_string())
}

struct Header {
    descr: String,
    fortran_order: bool,
    dims: Vec<i64>,
}

/// Reads the few Python literals that a header is made of.
struct Cursor<'a> {
    rest: &'a str,
}

impl Cursor<'_> {
    fn header(mut self) -> Result<Header, String> {
        let (mut descr, mut fortran_order, mut dims) = (None, None, None);
        self.expect('{')?;
        while !self.take('}') {
            let key = self.text()?;
            self.expect(':')?;
            match key.as_str() {
                "descr" if self.next() == Some('[') => return Err("it holds records, not numbers".to_string()),
                "descr" => descr = Some(self.text()?),
                "fortran_order" => fortran_order = Some(self.truth()?),
                "shape" => dims = Some(self.shape()?),
                _ => return Err(format!("its header has an unknown entry {key:?}")),
            }
            if !self.take(',') && self.next() != Some('}') {
                return Err(self.damaged());
            }
        }
        if self.next().is_some() {
            return Err(self.damaged());
        }
        match (descr, fortran_order, dims) {
            (Some(descr), Some(fortran_order), Some(dims)) => Ok(Header { descr, fortran_order, dims }),
            _ => Err("its header lacks an entry".to_string()),
        }
    }

    fn damaged(&self) -> String {
        let near: String = self.rest.chars().take(16).collect();
        if near.is_empty() {
            "its header ends too early".to_string()
        } else {
            format!("its header is damaged at {near:?}")
        }
    }

    /// The next character that is no space.
    fn next(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.next() == Some(wanted);
        if found {
            self.rest = &self.rest[wanted.len_utf8()..];
        }
        found
    }

    fn expect(&mut self, wanted: char) -> Result<(), String> {
        if self.take(wanted) { Ok(()) } else { Err(self.damaged()) }
    }

    /// A string without escapes, in either quotes.
    fn text(&mut self) -> Result<String, String> {
        let quote = self.next().filter(|next| matches!(next, '\'' | '"')).ok_or_else(|| self.damaged())?;
        let (text, rest) = self.rest[1..].split_once(quote).ok_or_else(|| self.damaged())?;
        self.rest = rest;
        Ok(text.to_string())
    }

    fn truth(&mut self) -> Result<bool, String> {
        self.next();
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(rest) = self.rest.strip_prefix(word) {
                self.rest = rest;
                return Ok(value);
            }
        }
        Err(self.damaged())
    }

    /// `()`, `(3,)`, `(3, 4)`; Python 2 wrote long numbers with an `L`.
    fn shape(&mut self) -> Result<Vec<i64>, String> {
        let mut dims = Vec::new();
        self.expect('(')?;
        while !self.take(')') {
            self.next();
            let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
            let (digits, rest) = self.rest.split_at(end);
            dims.push(digits.parse().map_err(|_| self.damaged())?);
            self.rest = rest.strip_prefix('L').unwrap_or(rest);
            if !self.take(',') && self.next() != Some(')') {
                return Err(self.damaged());
            }
        }
        Ok(dims)
    }
}

/// Whether elements are big-endian, and their type.
fn element(descr: &str) -> Option<(bool, Scalar)> {
    let order = descr.chars().next()?;
    let elem = match descr.get(1..)? {
        "b1" => Scalar::Bool,
        "i1" => Scalar::I8,
        "i2" => Scalar::I16,
        "i4" => Scalar::I32,
        "i8" => Scalar::I64,
        "u1" => Scalar::U8,
        "u2" => Scalar::U16,
        "u4" => Scalar::U32,
        "u8" => Scalar::U64,
        "f2" => Scalar::F16,
        "f4" => Scalar::F32,
        "f8" => Scalar::F64,
        _ => return None,
    };
    match order {
        '<' | '|' => Some((false, elem)),
        '>' => Some((true, elem)),
        _ => None,
    }
}

/// Column-major → row-major.
fn row_major(data: &[u8], dims: &[i64], size: usize) -> Vec<u8> {
    let mut strides = Vec::with_capacity(dims.len());
    let mut stride = size;
    for dim in dims {
        strides.push(stride);
        stride *= *dim as usize;
    }
    let mut out = Vec::with_capacity(data.len());
    let mut index = vec![0i64; dims.len()];
    for _ in 0..data.len() / size {
        let at: usize = index.iter().zip(&strides).map(|(index, stride)| *index as usize * stride).sum();
        out.extend_from_slice(&data[at..at + size]);
        for axis in (0..dims.len()).rev() {
            index[axis] += 1;
            if index[axis] < dims[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_header(version: u8, header: &str, data: &[u8]) -> Vec<u8> {
        let mut out = vec![0x93, b'N', b'U', b'M', b'P', b'Y', version, 0];
        match version {
            1 => out.extend((header.len() as u16).to_le_bytes()),
            _ => out.extend((header.len() as u32).to_le_bytes()),
        }
        out.extend(header.as_bytes());
        out.extend(data);
        out
    }

    fn file(descr: &str, fortran_order: bool, shape: &str, data: &[u8]) -> Vec<u8> {
        let order = if fortran_order { "True" } else { "False" };
        with_header(1, &format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}   \n"), data)
    }

    #[test]
    fn order_and_endianness_are_normalised() {
        let value = parse(&file(">i2", false, "(2,)", &[1, 2, 3, 4])).expect("big-endian");
        assert_eq!((value.elem, &value.bytes[..]), (Scalar::I16, &[2, 1, 4, 3][..]));
        let value = parse(&file("|u1", true, "(2, 3)", &[0, 3, 1, 4, 2, 5])).expect("column-major");
        assert_eq!((value.dims, value.bytes), (vec![2, 3], vec![0, 1, 2, 3, 4, 5]));
        let value = parse(&file("<f2", false, "()", &[0, 60])).expect("scalar");
        assert_eq!((value.elem, value.dims), (Scalar::F16, vec![]));
        assert_eq!(parse(&file("<f4", false, "(0, 3)", &[])).expect("empty").dims, [0, 3]);
        let other = "{\"shape\":(2L,),\"fortran_order\":False,\"descr\":\"|b1\"}";
        for version in [1, 2, 3] {
            assert_eq!(parse(&with_header(version, other, &[0, 1])).expect("compact").elem, Scalar::Bool);
        }
    }

    #[test]
    fn lies_and_damage_are_errors() {
        let refuse = |bytes: &[u8], part: &str| {
            let why = parse(bytes).expect_err(part);
            assert!(why.contains(part), "{why:?} does not say {part:?}");
        };
        refuse(&file("<f4", false, "(1000000000000, 1000000000000)", &[0; 16]), "16 bytes");
        refuse(&file("<f4", false, "(0, 1000000000000)", &[]), "0 bytes");
        refuse(&file("<f4", false, "(99999999999999999999,)", &[]), "damaged");
        refuse(&file("<f4", false, "(65536, 65536, 65536, 65536)", &[]), "0 bytes");
        refuse(&file("<f4", false, "(3,)", &[0; 8]), "8 bytes");
        refuse(&file("<f4", false, "(1,)", &[0; 8]), "8 bytes");
        refuse(&file("<f4", false, "(-1,)", &[0; 8]), "damaged");
        refuse(&file("<f4", false, "(1, 2", &[0; 8]), "damaged");
        refuse(&file("<c8", false, "(1,)", &[0; 8]), "no type");
        refuse(&file("|O", false, "(1,)", &[0; 8]), "no type");
        refuse(&file("é4", false, "(1,)", &[0; 8]), "no type");
        refuse(&file("|b1", false, "(1,)", &[2]), "neither");
        refuse(&with_header(1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': ()}", &[]), "records");
        refuse(&with_header(1, "{'descr': '<f4'}", &[]), "lacks");
        refuse(&with_header(1, "{'age': 3}", &[]), "unknown entry \"age\"");
        refuse(&with_header(1, "{'descr' '<f4'}", &[]), "damaged");
        refuse(&with_header(4, "{}", &[]), "version 4");
        refuse(&with_header(2, &format!("{{'shape': {}", "(".repeat(100_000)), &[]), "damaged");
        refuse(b"no array", "does not begin");
        let whole = file("<f4", false, "(4,)", &[0; 16]);
        for length in 0..whole.len() {
            assert!(parse(&whole[..length]).is_err(), "{length} bytes");
        }
        for position in 0..whole.len() {
            for bit in 0..8 {
                let mut damaged = whole.clone();
                damaged[position] ^= 1 << bit;
                // Whatever comes of it, it is an answer.
                let _ = parse(&damaged);
            }
        }
    }
}
