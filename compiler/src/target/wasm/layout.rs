//! The part of `plan` that finds room: where the pipeline's tensors go, whether others must give way, how large the
//! memory must be.

use super::code::{Code, Ins};
use super::plan_fn::{Planner, State, error_value, next_generation};
use super::sizes::Sizes;
use crate::plan::{PipelinePlan, Region, Slot};
use kcc_abi::status;
use wasm_encoder::{BlockType, ValType};

impl Planner<'_> {
    /// Finds room for the pipeline's region and for scratch, grows the memory if need be, and takes the room.
    /// Gives the local (`i64`) with the region's address.
    pub(super) fn layout(&mut self, sizes: &mut Sizes, number: usize) -> u32 {
        let State { base, room, scratch, .. } = *self.state;
        let top = self.context.top;
        let arena = self.context.plan.arena as i64;
        let code = &mut self.code;
        let own_persistent = code.local(ValType::I64);
        let own_scratch = code.local(ValType::I64);
        let new_base = code.local(ValType::I64);
        let new_top = code.local(ValType::I64);
        let need = code.local(ValType::I64);
        let reset = code.local(ValType::I32);
        sizes.exact(code, &self.own.persistent);
        code.set(own_persistent);
        sizes.exact(code, &self.own.scratch);
        code.set(own_scratch);
        self.return_problem();
        let code = &mut self.code;
        // It stays where it is if that is large enough.
        code.all([Ins::GlobalGet(base), Ins::I64Eqz, Ins::I32Eqz]);
        code.all([Ins::LocalGet(own_persistent), Ins::GlobalGet(room), Ins::I64LeS, Ins::I32And]);
        code.all([Ins::If(BlockType::Empty), Ins::GlobalGet(base), Ins::LocalSet(new_base)]);
        code.all([Ins::GlobalGet(top), Ins::LocalSet(new_top), Ins::Else]);
        // A new region begins at the top; the last region can grow; otherwise the arena begins anew.
        code.all([Ins::GlobalGet(base), Ins::I64Eqz, Ins::If(BlockType::Empty)]);
        code.all([Ins::GlobalGet(top), Ins::LocalSet(new_base), Ins::Else]);
        code.all([Ins::GlobalGet(base), Ins::GlobalGet(room), Ins::I64Add, Ins::GlobalGet(top), Ins::I64Eq]);
        code.all([Ins::If(BlockType::Empty), Ins::GlobalGet(base), Ins::LocalSet(new_base), Ins::Else]);
        code.all([Ins::I32Const(1), Ins::LocalSet(reset), Ins::I64Const(arena), Ins::LocalSet(new_base)]);
        code.all([Ins::End, Ins::End]);
        code.all([Ins::LocalGet(new_base), Ins::LocalGet(own_persistent), Ins::I64Add, Ins::LocalSet(new_top)]);
        code.ins(Ins::End);
        // The memory must reach to the end of the largest scratch that is in use.
        code.all([Ins::LocalGet(own_scratch), Ins::LocalSet(need)]);
        let others: Vec<(&PipelinePlan, &State)> = self
            .context
            .plan
            .pipelines
            .iter()
            .zip(self.context.states)
            .enumerate()
            .filter(|(other, (plan, _))| *other != number && !plan.fixed)
            .filter_map(|(_, (plan, state))| Some((plan, state.as_ref()?)))
            .collect();
        for (_, other) in &others {
            code.all([Ins::GlobalGet(other.planned), Ins::LocalGet(reset), Ins::I32Eqz, Ins::I32And]);
            code.all([Ins::GlobalGet(other.scratch), Ins::LocalGet(need), Ins::I64GtS, Ins::I32And]);
            code.all([Ins::If(BlockType::Empty), Ins::GlobalGet(other.scratch), Ins::LocalSet(need), Ins::End]);
        }
        code.all([Ins::LocalGet(need), Ins::LocalGet(new_top), Ins::I64Add]);
        grow(code, need);
        // From here on nothing fails but the steps.
        for (plan, other) in &others {
            let first = plan.slots.iter().position(|slot| is_scratch(plan, slot));
            let count = plan.slots.iter().filter(|slot| is_scratch(plan, slot)).count();
            code.all([Ins::LocalGet(reset), Ins::If(BlockType::Empty)]);
            next_generation(code, plan);
            code.all([Ins::I32Const(0), Ins::GlobalSet(other.planned)]);
            for global in [other.base, other.room, other.scratch] {
                code.all([Ins::I64Const(0), Ins::GlobalSet(global)]);
            }
            if let Some(first) = first {
                code.ins(Ins::Else);
                code.i32((plan.slots_at as usize + 4 * first) as i32);
                code.i32(count as i32);
                code.all([Ins::LocalGet(new_top), Ins::GlobalGet(top), Ins::I64Sub, Ins::I32WrapI64]);
                code.ins(self.context.helpers.shift());
            }
            code.ins(Ins::End);
        }
        code.all([Ins::LocalGet(new_top), Ins::GlobalSet(top), Ins::LocalGet(own_scratch), Ins::GlobalSet(scratch)]);
        // The room only grows, except when the arena begins anew.
        code.all([Ins::LocalGet(own_persistent), Ins::GlobalGet(room)]);
        code.all([Ins::LocalGet(own_persistent), Ins::GlobalGet(room), Ins::I64GtS, Ins::LocalGet(reset), Ins::I32Or]);
        code.all([Ins::Select, Ins::GlobalSet(room), Ins::LocalGet(new_base), Ins::GlobalSet(base)]);
        new_base
    }
}

fn is_scratch(plan: &PipelinePlan, slot: &Slot) -> bool {
    match slot {
        Slot::Address(id) => plan.buffers[id.0 as usize].region == Region::Scratch,
        Slot::Generation | Slot::Atom(_) | Slot::Extent(_) => false,
    }
}

/// Grows the memory to the number of bytes on the stack; returns `OUT_OF_MEMORY` if it cannot.
fn grow(code: &mut Code, pages: u32) {
    code.all([Ins::I64Const(0xffff), Ins::I64Add, Ins::I64Const(16), Ins::I64ShrU, Ins::LocalSet(pages)]);
    code.all([Ins::LocalGet(pages), Ins::MemorySize(0), Ins::I64ExtendI32U, Ins::I64GtS, Ins::If(BlockType::Empty)]);
    code.all([Ins::LocalGet(pages), Ins::I64Const(65536), Ins::I64GtS]);
    code.ins(Ins::If(BlockType::Result(ValType::I32)));
    code.all([Ins::I32Const(-1), Ins::Else]);
    code.all([Ins::LocalGet(pages), Ins::I32WrapI64, Ins::MemorySize(0), Ins::I32Sub, Ins::MemoryGrow(0), Ins::End]);
    code.all([Ins::I32Const(-1), Ins::I32Eq, Ins::If(BlockType::Empty)]);
    error_value(code, 0, &[Ins::LocalGet(pages)]);
    code.all([Ins::I32Const(status::OUT_OF_MEMORY), Ins::Return, Ins::End, Ins::End]);
}
