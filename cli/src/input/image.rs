//! Pictures → `u8[H, W, C]` (or `u16` from 16-bit files), `u8[H, W]` from grey ones.
//!
//! A missing alpha channel is added as opaque and a grey picture is repeated over colours, and both are said; nothing is ever
//! dropped or rescaled, and orientation tags are not applied.

use crate::param::Param;
use crate::report::guarded;
use image::{DynamicImage, ImageReader};
use kcc_compiler::tensor::eval::TensorValue;
use kcc_compiler::types::Scalar;
use std::io::Cursor;

/// Decodes a picture for a parameter.
pub fn decode(bytes: &[u8], param: &Param, remarks: &mut Vec<String>) -> Result<TensorValue, String> {
    let rank = param.dims.len();
    let wanted = match rank {
        2 => Some(1),
        3 => param.dims[2].fixed,
        _ => return Err(format!("a picture is u8[H, W, C] or u8[H, W], not {}", param.type_text())),
    };
    let picture = guarded(|| {
        let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|error| error.to_string())?;
        reader.decode().map_err(|error| format!("it is damaged or no picture: {error}"))
    })?;
    let (height, width) = (i64::from(picture.height()), i64::from(picture.width()));
    let (elem, channels, data) = samples(picture)?;
    if elem != param.elem {
        return Err(format!("the picture has {elem} samples, `{}` is {}", param.name, param.type_text()));
    }
    let wanted = wanted.unwrap_or(channels);
    let size = elem.bytes() as usize;
    let data = match (channels, wanted) {
        (have, want) if have == want => data,
        (3, 4) => {
            remarks.push("the picture has no alpha channel, alpha is 255".replace("255", opaque(elem)));
            widen(
                &data,
                size,
                |pixel, out| {
                    out.extend_from_slice(pixel);
                    out.extend(vec![255; size]);
                },
                3,
            )
        }
        (1, 3) => {
            remarks.push("the picture is grey, its samples are repeated over 3 colours".to_string());
            widen(&data, size, |pixel, out| out.extend(pixel.repeat(3)), 1)
        }
        (1, 4) => {
            let alpha = opaque(elem);
            remarks.push(format!("the picture is grey, its samples are repeated over 3 colours, alpha is {alpha}"));
            widen(
                &data,
                size,
                |pixel, out| {
                    out.extend(pixel.repeat(3));
                    out.extend(vec![255; size]);
                },
                1,
            )
        }
        (2 | 4, _) => {
            return Err(format!(
                "the picture has an alpha channel, which `{}: {}` cannot take",
                param.name,
                param.type_text()
            ));
        }
        _ => return Err(format!("the picture has {channels} channels, `{}` is {}", param.name, param.type_text())),
    };
    let mut dims = vec![height, width];
    if rank == 3 {
        dims.push(wanted);
    }
    Ok(TensorValue { elem, dims, bytes: data })
}

/// Sample type, channels and samples of a picture.
fn samples(picture: DynamicImage) -> Result<(Scalar, i64, Vec<u8>), String> {
    let wide = |samples: Vec<u16>| samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    Ok(match picture {
        DynamicImage::ImageLuma8(p) => (Scalar::U8, 1, p.into_raw()),
        DynamicImage::ImageLumaA8(p) => (Scalar::U8, 2, p.into_raw()),
        DynamicImage::ImageRgb8(p) => (Scalar::U8, 3, p.into_raw()),
        DynamicImage::ImageRgba8(p) => (Scalar::U8, 4, p.into_raw()),
        DynamicImage::ImageLuma16(p) => (Scalar::U16, 1, wide(p.into_raw())),
        DynamicImage::ImageLumaA16(p) => (Scalar::U16, 2, wide(p.into_raw())),
        DynamicImage::ImageRgb16(p) => (Scalar::U16, 3, wide(p.into_raw())),
        DynamicImage::ImageRgba16(p) => (Scalar::U16, 4, wide(p.into_raw())),
        other => return Err(format!("pictures with samples of type {:?} are not supported", other.color())),
    })
}

fn opaque(elem: Scalar) -> &'static str {
    if elem == Scalar::U16 { "65535" } else { "255" }
}

/// Rewrites each pixel of `channels` samples of `size` bytes.
fn widen(data: &[u8], size: usize, pixel: impl Fn(&[u8], &mut Vec<u8>), channels: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() / channels * 4);
    data.chunks_exact(size * channels).for_each(|chunk| pixel(chunk, &mut out));
    out
}
