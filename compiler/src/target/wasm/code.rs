//! A function under construction: instructions, a prologue that runs once before them, and locals.
//!
//! Sequences take temporaries with [`Code::temp`] and give them back with [`Code::release`]; a temporary is not
//! zero when it is taken. What is needed all over the function (addresses, sizes, vector constants) is computed in
//! the prologue and kept in a local, so that no engine has to hoist it out of loops.

use std::collections::BTreeMap;
use wasm_encoder::{Encode, Function, MemArg, ValType};

/// An instruction without borrowed parts.
pub type Ins = wasm_encoder::Instruction<'static>;

/// A function under construction.
#[derive(Debug, Default)]
pub struct Code {
    body: Vec<u8>,
    prologue: Vec<u8>,
    in_prologue: bool,
    params: u32,
    locals: Vec<ValType>,
    free: Vec<u32>,
    constants: BTreeMap<i128, u32>,
}

impl Code {
    /// An empty function with this many `i32` parameters (locals 0, 1, …) of its own type list.
    pub fn new(params: u32) -> Code {
        Code { params, ..Code::default() }
    }

    /// Appends an instruction.
    pub fn ins(&mut self, instruction: Ins) {
        instruction.encode(if self.in_prologue { &mut self.prologue } else { &mut self.body });
    }

    /// Appends instructions.
    pub fn all<const N: usize>(&mut self, instructions: [Ins; N]) {
        for instruction in instructions {
            self.ins(instruction);
        }
    }

    /// Runs `f` so that what it appends is executed once, before the body.
    pub fn prologue(&mut self, f: impl FnOnce(&mut Code)) {
        let before = std::mem::replace(&mut self.in_prologue, true);
        f(self);
        self.in_prologue = before;
    }

    /// A local that is never given back.
    pub fn local(&mut self, ty: ValType) -> u32 {
        self.locals.push(ty);
        self.params + self.locals.len() as u32 - 1
    }

    /// A local for a while; it may hold anything.
    pub fn temp(&mut self, ty: ValType) -> u32 {
        let found = self.free.iter().position(|local| self.locals[(local - self.params) as usize] == ty);
        match found {
            Some(position) => self.free.remove(position),
            None => self.local(ty),
        }
    }

    /// Gives temporaries back.
    pub fn release<const N: usize>(&mut self, temps: [u32; N]) {
        self.free.extend(temps);
    }

    /// Pops the stack's top into a new temporary.
    pub fn pop(&mut self, ty: ValType) -> u32 {
        let temp = self.temp(ty);
        self.set(temp);
        temp
    }

    /// Copies the stack's top into a new temporary.
    pub fn copy(&mut self, ty: ValType) -> u32 {
        let temp = self.temp(ty);
        self.ins(Ins::LocalTee(temp));
        temp
    }

    /// Pushes a local.
    pub fn get(&mut self, local: u32) {
        self.ins(Ins::LocalGet(local));
    }

    /// Pops into a local.
    pub fn set(&mut self, local: u32) {
        self.ins(Ins::LocalSet(local));
    }

    /// Pushes an `i32`.
    pub fn i32(&mut self, value: i32) {
        self.ins(Ins::I32Const(value));
    }

    /// Pushes an `i64`.
    pub fn i64(&mut self, value: i64) {
        self.ins(Ins::I64Const(value));
    }

    /// Pushes a vector constant. All zeros and all ones cost an engine nothing; others are computed once.
    pub fn v128(&mut self, value: i128) {
        if value == 0 || value == -1 || self.in_prologue {
            self.ins(Ins::V128Const(value));
            return;
        }
        let local = match self.constants.get(&value) {
            Some(local) => *local,
            None => {
                let local = self.local(ValType::V128);
                self.constants.insert(value, local);
                self.prologue(|code| {
                    code.ins(Ins::V128Const(value));
                    code.set(local);
                });
                local
            }
        };
        self.get(local);
    }

    /// The finished function.
    pub fn finish(mut self) -> Function {
        self.ins(Ins::End);
        let mut function = Function::new_with_locals_types(self.locals);
        function.raw(self.prologue).raw(self.body);
        function
    }
}

/// A memory operand; `align` is the alignment in bytes that the address certainly has.
pub fn memarg(offset: u64, align: u32) -> MemArg {
    MemArg { offset, align: align.trailing_zeros(), target: Default::default(), ordering: None }
}
