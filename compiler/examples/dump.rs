use kcc_compiler::*;
struct R;
impl source::Resolver for R {
    fn source(&self, from: &str, path: &str) -> Result<source::Resolved, String> {
        let p = if from.is_empty() && !path.contains('/') && std::path::Path::new(&format!("std/{path}")).exists() {
            format!("std/{path}")
        } else {
            path.to_string()
        };
        let text = std::fs::read_to_string(&p).map_err(|e| format!("{p}: {e}"))?;
        Ok(source::Resolved { name: p.clone(), text, is_std: p.starts_with("std/") })
    }
    fn bytes(&self, _: &str, path: &str) -> Result<Vec<u8>, String> {
        std::fs::read(path).map_err(|e| e.to_string())
    }
}
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let opt = pipeline::Options { fuse: a.get(2).is_none(), ..Default::default() };
    let show = |r: Box<pipeline::Rejected>| -> ! {
        for d in &r.diagnostics {
            eprintln!("{:?}", d);
        }
        std::process::exit(1)
    };
    let t = std::time::Instant::now();
    let c = pipeline::check(&R, &a[1]).unwrap_or_else(|r| show(r));
    let l = pipeline::lower(c, &opt).unwrap_or_else(|r| show(r));
    println!("{}", tensor::print::print(&l.program));
    for d in &l.decisions {
        println!("{} {}: {}", d.pipeline, d.tensor, d.rule.text());
    }
    eprintln!("{:?}", t.elapsed());
}
