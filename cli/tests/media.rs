//! Pictures, sound, arrays and text in and out; truncated and corrupted ones.

mod common;

use common::{Folder, f32s, npy};
use image::{DynamicImage, ImageFormat};
use std::io::Cursor;

const COPY: &str = "
pipeline rgba(photo: u8[H, W, 4]) -> u8[H, W, 4] { photo + 0 }
pipeline rgb(photo: u8[H, W, 3]) -> u8[H, W, 3] { photo + 0 }
pipeline grey(photo: u8[H, W]) -> u8[H, W] { photo + 0 }
pipeline deep(photo: u16[H, W, 3]) -> u16[H, W, 3] { photo + 0 }
pipeline open(photo: u8[H, W, C]) -> u8[H, W, C] { photo + 0 }
pipeline mono(clip: i16[N]) -> i16[N] { clip + 0 }
pipeline float(clip: f32[N]) -> f32[N] { clip * 1.0 }
pipeline stereo(clip: i16[N, C]) -> i16[N, C] { clip + 0 }
pipeline text(input: u8[N]) -> u8[N] { input + 0 }
pipeline table(x: f32[N, M]) -> f32[M, N] { for j, i { x[i, j] } }
pipeline pair(x: f32[N]) -> (a: f32[N], b: i32) { (a: x * 2.0, b: count i { x[i] > 0.0 }) }
";

fn folder() -> Folder {
    Folder::new(&[("copy.k", COPY)])
}

fn picture(width: u32, height: u32) -> DynamicImage {
    let pixel = |x: u32, y: u32| image::Rgb([(x * 7 + y) as u8, (y * 5) as u8, (x * y) as u8]);
    DynamicImage::ImageRgb8(image::RgbImage::from_fn(width, height, pixel))
}

fn encode(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    picture.write_to(&mut out, format).expect("encodes");
    out.into_inner()
}

#[test]
fn pictures_keep_their_samples() {
    let folder = folder();
    let rgb = picture(13, 9);
    for (name, format) in [("p.png", ImageFormat::Png), ("p.bmp", ImageFormat::Bmp), ("p.webp", ImageFormat::WebP)] {
        folder.write(name, &encode(&rgb, format));
        folder.good(&["run", "copy.k", "rgb", "--in", &format!("photo=@{name}"), "--out", "out.bin"]);
        assert_eq!(folder.read("out.bin"), rgb.as_bytes(), "{name}");
    }
    folder.write("p.jpg", &encode(&rgb, ImageFormat::Jpeg));
    folder.good(&["run", "copy.k", "rgb", "--in", "photo=@p.jpg", "--out", "out.bin"]);
    let decoded = image::load_from_memory(&folder.read("p.jpg")).expect("decodes");
    assert_eq!(folder.read("out.bin"), decoded.as_bytes());
    let out = folder.good(&["run", "copy.k", "open", "--in", "photo=@p.png"]);
    assert!(out.contains("u8[9, 13, 3]"), "{out}");
}

#[test]
fn a_missing_alpha_channel_is_added_and_said() {
    let folder = folder();
    let rgb = picture(5, 4);
    folder.write("p.png", &encode(&rgb, ImageFormat::Png));
    let ran = folder.kcc(&["run", "copy.k", "rgba", "--in", "photo=@p.png", "--out", "out.png"]);
    assert_eq!(ran.code, 0);
    assert!(ran.err.contains("no alpha channel, alpha is 255"), "{ran:?}");
    let out = image::load_from_memory(&folder.read("out.png")).expect("a picture");
    assert_eq!(out, DynamicImage::ImageRgba8(rgb.to_rgba8()));
    // Nothing is said where nothing is added, and nothing is dropped in silence.
    folder.write("a.png", &folder.read("out.png"));
    let ran = folder.kcc(&["run", "copy.k", "rgba", "--in", "photo=@a.png", "--out", "out.png"]);
    assert!(ran.code == 0 && ran.err.is_empty(), "{ran:?}");
    folder.bad(&["run", "copy.k", "rgb", "--in", "photo=@a.png"], 1, "has an alpha channel");
    folder.bad(&["run", "copy.k", "grey", "--in", "photo=@p.png"], 1, "has 3 channels");
    folder.bad(&["run", "copy.k", "deep", "--in", "photo=@p.png"], 1, "has u8 samples");
    let grey = DynamicImage::ImageLuma8(rgb.to_luma8());
    folder.write("g.png", &encode(&grey, ImageFormat::Png));
    folder.good(&["run", "copy.k", "grey", "--in", "photo=@g.png", "--out", "out.bin"]);
    assert_eq!(folder.read("out.bin"), grey.as_bytes());
    let ran = folder.kcc(&["run", "copy.k", "rgba", "--in", "photo=@g.png", "--out", "out.bin"]);
    assert!(ran.err.contains("repeated over 3 colours"), "{ran:?}");
    assert_eq!(folder.read("out.bin"), grey.to_rgba8().as_raw().as_slice());
    let deep = DynamicImage::ImageRgb16(rgb.to_rgb16());
    folder.write("d.png", &encode(&deep, ImageFormat::Png));
    folder.good(&["run", "copy.k", "deep", "--in", "photo=@d.png", "--out", "out.png"]);
    assert_eq!(image::load_from_memory(&folder.read("out.png")).expect("a picture"), deep);
}

#[test]
fn truncated_and_corrupted_pictures_are_errors() {
    let folder = folder();
    let rgb = picture(64, 48);
    for (name, format) in [
        ("p.png", ImageFormat::Png),
        ("p.jpg", ImageFormat::Jpeg),
        ("p.bmp", ImageFormat::Bmp),
        ("p.webp", ImageFormat::WebP),
    ] {
        let whole = encode(&rgb, format);
        for length in [0, 1, 10, whole.len() / 3, whole.len() * 2 / 3] {
            folder.write(name, &whole[..length]);
            folder.bad(&["run", "copy.k", "rgb", "--in", &format!("photo=@{name}")], 1, name);
        }
        folder.write(name, b"this is a text and no picture");
        folder.bad(&["run", "copy.k", "rgb", "--in", &format!("photo=@{name}")], 1, name);
    }
    // Flipped bytes may go unnoticed by a format without checksums, but nothing panics.
    let whole = encode(&rgb, ImageFormat::Jpeg);
    for at in (2..whole.len()).step_by(whole.len() / 20) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x5a;
        folder.write("p.jpg", &damaged);
        let ran = folder.kcc(&["run", "copy.k", "rgb", "--in", "photo=@p.jpg"]);
        assert!(ran.code == 0 || ran.code == 1, "{ran:?}");
        assert!(!ran.err.contains("bug in kcc"), "{ran:?}");
    }
    // A header that promises 4 billion pixels is not believed.
    let mut huge = encode(&rgb, ImageFormat::Bmp);
    huge[18..26].copy_from_slice(&[0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0]);
    folder.write("p.bmp", &huge);
    folder.bad(&["run", "copy.k", "rgb", "--in", "photo=@p.bmp"], 1, "p.bmp");
}

fn wav(channels: u16, bits: u16, samples: &[i32]) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    let spec =
        hound::WavSpec { channels, sample_rate: 8000, bits_per_sample: bits, sample_format: hound::SampleFormat::Int };
    let mut writer = hound::WavWriter::new(&mut out, spec).expect("header");
    for sample in samples {
        writer.write_sample(*sample).expect("sample");
    }
    writer.finalize().expect("file");
    out.into_inner()
}

#[test]
fn sound() {
    let folder = folder();
    folder.write("a.wav", &wav(1, 16, &[0, 16384, -32768]));
    folder.good(&["run", "copy.k", "mono", "--in", "clip=@a.wav", "--out", "b.wav"]);
    assert_eq!(folder.read("b.wav"), folder.read("a.wav"), "samples and rate");
    let ran = folder.kcc(&["run", "copy.k", "float", "--in", "clip=@a.wav", "--out", "f.wav"]);
    assert!(ran.code == 0 && ran.err.contains("16-bit samples are divided by 32768"), "{ran:?}");
    let out = folder.good(&["run", "copy.k", "float", "--in", "clip=@f.wav", "--json"]);
    assert!(out.contains("[0.0,0.5,-1.0]"), "{out}");
    folder.write("s.wav", &wav(2, 16, &[1, 2, 3, 4]));
    folder.good(&["run", "copy.k", "stereo", "--in", "clip=@s.wav", "--out", "result=s.json"]);
    assert_eq!(folder.read("s.json"), b"[[1,2],[3,4]]\n");
    folder.bad(&["run", "copy.k", "mono", "--in", "clip=@s.wav"], 1, "2 channels");
    folder.bad(&["run", "copy.k", "mono", "--in", "clip=@f.wav"], 1, "float");
    folder.good(&["run", "copy.k", "mono", "--in", "clip=[1, 2]", "--out", "r.wav", "--rate", "16000"]);
    let whole = folder.read("a.wav");
    for length in 0..whole.len() - 1 {
        folder.write("cut.wav", &whole[..length]);
        if length % 7 == 0 || length > 40 {
            folder.bad(&["run", "copy.k", "mono", "--in", "clip=@cut.wav"], 1, "cut.wav");
        }
    }
}

#[test]
fn arrays() {
    let folder = folder();
    folder.write("x.npy", &npy("<f4", "(2, 3)", &f32s(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])));
    folder.good(&["run", "copy.k", "table", "--in", "x=@x.npy", "--out", "y.npy"]);
    assert_eq!(folder.read("y.npy"), npy("<f4", "(3, 2)", &f32s(&[1.0, 4.0, 2.0, 5.0, 3.0, 6.0])));
    folder.good(&["run", "copy.k", "table", "--in", "x=@y.npy", "--out", "result=z.json"]);
    assert_eq!(folder.read("z.json"), b"[[1.0,2.0,3.0],[4.0,5.0,6.0]]\n");
    folder.good(&["run", "copy.k", "table", "--in", "x=@z.json", "--out", "w.npz"]);
    folder.good(&["run", "copy.k", "table", "--in", "x=@w.npz", "--out", "z.json"]);
    assert_eq!(folder.read("z.json"), b"[[1.0,2.0,3.0],[4.0,5.0,6.0]]\n");
    folder.good(&["run", "copy.k", "pair", "--in", "x=[1, -2]", "--out", "a=both.npz", "--out", "b=both.npz"]);
    folder.good(&["run", "copy.k", "pair", "--in", "x=[1]", "--out", "b=n.bin"]);
    assert_eq!(folder.read("n.bin"), 1i32.to_le_bytes());
    folder.bad(&["run", "copy.k", "float", "--in", "clip=@both.npz"], 1, "it holds a, b, none is called `clip`");
    folder.write("x.bin", &f32s(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
    folder.bad(&["run", "copy.k", "table", "--in", "x=@x.bin"], 1, "`@FILE.bin:NxM`");
    let out = folder.good(&["run", "copy.k", "table", "--in", "x=@x.bin:3x2"]);
    assert!(out.contains("f32[2, 3]"), "{out}");
    let whole = folder.read("w.npz");
    for length in (0..whole.len()).step_by(13) {
        folder.write("cut.npz", &whole[..length]);
        folder.bad(&["run", "copy.k", "table", "--in", "x=@cut.npz"], 1, "cut.npz");
    }
    let whole = folder.read("x.npy");
    for length in (0..whole.len()).step_by(11) {
        folder.write("cut.npy", &whole[..length]);
        folder.bad(&["run", "copy.k", "table", "--in", "x=@cut.npy"], 1, "cut.npy");
    }
    folder.write("bad.json", b"[[1, 2], [3, ");
    folder.bad(&["run", "copy.k", "table", "--in", "x=@bad.json"], 1, "bad.json");
    folder.write("deep.json", "[".repeat(200_000).as_bytes());
    folder.bad(&["run", "copy.k", "table", "--in", "x=@deep.json"], 1, "deeper than");
}

#[test]
fn text() {
    let folder = folder();
    folder.write("t.txt", "\u{feff}héllo\n".as_bytes());
    let out = folder.good(&["run", "copy.k", "text", "--in", "input=@t.txt"]);
    assert!(out.contains("u8[7]") && out.contains("\"héllo\\n\""), "{out}");
    let out = folder.good(&["run", "copy.k", "text", "--in", "input=\"a\\tb\"", "--json"]);
    assert!(out.contains("[97,9,98]"), "{out}");
    folder.write("t.txt", b"a\xffb");
    folder.bad(&["run", "copy.k", "text", "--in", "input=@t.txt"], 1, "not UTF-8 text (byte 1)");
    folder.write("t.bin", b"a\xffb");
    folder.good(&["run", "copy.k", "text", "--in", "input=@t.bin"]);
}
