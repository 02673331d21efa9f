//! Runs pipeline.wasm on an image: `embed pipeline.wasm photo.png`.

use kcc_runtime::{Engine, Module};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, wasm, photo] = arguments.as_slice() else { return Err("usage: embed pipeline.wasm photo.png".into()) };
    let pixels = image::open(photo)?.into_rgba8();

    let module = Module::from_file(&Engine::new()?, wasm)?;
    let mut instance = module.instantiate()?;
    instance.plan("preprocess", &[("H", pixels.height()), ("W", pixels.width())])?;
    instance.view_mut::<u8>("preprocess", "photo")?.copy_from_slice(&pixels);
    instance.run("preprocess")?;
    let tensor = instance.view::<f32>("preprocess", "result")?;

    let sum: f64 = tensor.iter().map(|value| f64::from(*value)).sum();
    println!("{:?} first {:.6} sum {sum:.6}", tensor.shape(), tensor[0]);
    Ok(())
}
