//! Escapes in texts: `\n` and its kin → bytes, and bytes → a literal that reads back as the same bytes.

/// What stands between quotes → the bytes meant.
///
/// # Errors
/// Offset of the backslash and one sentence.
pub fn unescape(raw: &str) -> Result<Vec<u8>, (usize, String)> {
    let mut out = Vec::with_capacity(raw.len());
    let mut chars = raw.char_indices();
    while let Some((at, c)) = chars.next() {
        if c != '\\' {
            out.extend(c.encode_utf8(&mut [0; 4]).bytes());
            continue;
        }
        match chars.next().map(|(_, c)| c) {
            Some('n') => out.push(b'\n'),
            Some('t') => out.push(b'\t'),
            Some('r') => out.push(b'\r'),
            Some('0') => out.push(0),
            Some(c @ ('\\' | '"' | '\'')) => out.push(c as u8),
            Some('x') => {
                let digits = raw.get(at + 2..at + 4).unwrap_or("");
                let is_hex = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_hexdigit());
                let value = if is_hex { u8::from_str_radix(digits, 16).ok() } else { None };
                out.push(value.ok_or((at, "`\\x` needs two hexadecimal digits".to_string()))?);
                chars.nth(1);
            }
            Some('u') => {
                let rest = &raw[at + 2..];
                let digits = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')).map(|(digits, _)| digits);
                let value = digits.filter(|d| d.len() <= 6 && d.bytes().all(|b| b.is_ascii_hexdigit()));
                let c = value.and_then(|d| u32::from_str_radix(d, 16).ok()).and_then(char::from_u32);
                let c = c.ok_or((at, "`\\u{…}` needs the hexadecimal number of a character".to_string()))?;
                out.extend(c.encode_utf8(&mut [0; 4]).bytes());
                chars.nth(digits.unwrap_or("").len() + 1);
            }
            Some(c) => return Err((at, format!("`\\{c}` is not an escape"))),
            None => return Err((at, "a backslash at the end escapes nothing".to_string())),
        }
    }
    Ok(out)
}

/// Bytes → what stands between quotes: printable UTF-8 as it is, everything else escaped.
pub fn escape(bytes: &[u8], quote: char) -> String {
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\n' => out.push_str("\\n"),
                '\t' => out.push_str("\\t"),
                '\r' => out.push_str("\\r"),
                '\0' => out.push_str("\\0"),
                '\\' => out.push_str("\\\\"),
                c if c == quote => out.extend(['\\', c]),
                c if c.is_ascii_control() => out.push_str(&format!("\\x{:02x}", c as u32)),
                c if c.is_control() || c == '\u{feff}' => out.push_str(&format!("\\u{{{:x}}}", c as u32)),
                c => out.push(c),
            }
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_read() {
        assert_eq!(unescape(r#"a\n\t\r\0\\\"\'\x41\u{e9}z"#).unwrap(), b"a\n\t\r\0\\\"'A\xc3\xa9z");
        assert_eq!(unescape(r"\x4").unwrap_err().0, 0);
        assert_eq!(unescape(r"ab\q").unwrap_err().0, 2);
        assert!(unescape(r"\u{110000}").is_err());
        assert!(unescape(r"\u{}").is_err());
        assert!(unescape("\\x\u{e9}").is_err());
    }

    #[test]
    fn every_byte_survives_a_round_trip() {
        let all: Vec<u8> = (0..=255).chain("é漢\u{85}".bytes()).collect();
        assert_eq!(unescape(&escape(&all, '"')).unwrap(), all);
        for byte in 0..=255u8 {
            assert_eq!(unescape(&escape(&[byte], '\'')).unwrap(), [byte]);
        }
    }
}
