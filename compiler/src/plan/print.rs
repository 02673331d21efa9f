//! A plan as text: steps, buffers with lifetimes and addresses, slots, the certificate.

use super::{Arg, PipelinePlan, Place, Plan, Region, Slot, StepKind};
use crate::loops;
use crate::size::{Size, SizeNames};
use crate::tensor::{self, Binding};
use std::fmt::Write;

/// Prints the plan of a module.
pub fn print(program: &tensor::Program, loops: &[loops::Program], plan: &Plan) -> String {
    let mut out = String::new();
    for (data, address) in program.consts.iter().zip(&plan.consts) {
        if let Some(address) = address {
            let _ = writeln!(out, "const {} at {address}: {} bytes", data.name, data.bytes.len());
        }
    }
    for (own, loops) in plan.pipelines.iter().zip(loops) {
        pipeline(&mut out, &program.names, loops, own);
    }
    let _ = writeln!(out, "arena at {}", plan.arena);
    match plan.ceiling {
        Some(bytes) => writeln!(out, "memory at most {bytes} bytes").expect("a string takes all"),
        None => out.push_str("memory without bound\n"),
    }
    out
}

fn pipeline(out: &mut String, names: &SizeNames, loops: &loops::Program, own: &PipelinePlan) {
    let _ = writeln!(out, "pipeline {}{}", own.name, if own.fixed { " (fixed)" } else { "" });
    for arg in &own.args {
        let _ = match arg {
            Arg::Size { var, max: Some(max) } => writeln!(out, "  arg {} <= {max}", names.size(*var)),
            Arg::Size { var, max: None } => writeln!(out, "  arg {}", names.size(*var)),
            Arg::Scalar { var, ty, .. } => writeln!(out, "  arg {}: {ty}", names.scalar(*var)),
        };
    }
    for (number, fact) in own.facts.iter().enumerate() {
        let sign = if fact.is_equality { "==" } else { ">=" };
        let _ = writeln!(out, "  fact {}: {} {sign} 0", own.first_failure + number as i32, names.show(&fact.size));
    }
    for (number, slot) in own.slots.iter().enumerate() {
        let _ = write!(out, "  slot {}: ", own.slots_at as usize + 4 * number);
        let _ = match slot {
            Slot::Generation => writeln!(out, "generation"),
            Slot::Atom(atom) => writeln!(out, "{}", names.show(&Size::atom(atom.clone()))),
            Slot::Extent(size) => writeln!(out, "{}", names.show(size)),
            Slot::Address(id) => writeln!(out, "address of {}", loops.buffers[id.0 as usize].name),
        };
    }
    for (buffer, placed) in loops.buffers.iter().zip(&own.buffers) {
        let dims = names.show_dims(&buffer.dims);
        let _ = write!(out, "  {} {}: {}{dims}", region(placed.region), buffer.name, buffer.elem);
        let _ = match &placed.place {
            Place::Fixed(address) => write!(out, " at {address}"),
            Place::Slot(_) => write!(out, " at +{}", names.show(&placed.offset)),
            Place::Same(other) => write!(out, " = {}", loops.buffers[other.0 as usize].name),
            Place::Nowhere => write!(out, " nowhere"),
        };
        let _ = match placed.region {
            Region::Scratch => writeln!(out, ", steps {}..={}", placed.alive.0, placed.alive.1),
            Region::Constants | Region::Persistent | Region::None => writeln!(out),
        };
    }
    for (number, step) in own.steps.iter().enumerate() {
        let StepKind::Kernel(kernel) = step.kind;
        let _ = writeln!(out, "  step {number} {}: {}", binding(step.binding), loops.kernels[kernel].name);
    }
    let _ = writeln!(out, "  persistent {}, scratch {}", names.show(&own.persistent), names.show(&own.scratch));
}

fn region(region: Region) -> &'static str {
    match region {
        Region::Constants => "const",
        Region::Persistent => "keep",
        Region::Scratch => "scratch",
        Region::None => "unused",
    }
}

/// The word for a binding time, in texts and in the manifest.
pub fn binding(binding: Binding) -> &'static str {
    match binding {
        Binding::Build => "build",
        Binding::Bind => "bind",
        Binding::Plan => "plan",
        Binding::Call => "call",
    }
}
