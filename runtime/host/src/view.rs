//! Views of tensors in linear memory.
//!
//! A view borrows its [`Instance`](crate::Instance), and everything that could move a tensor or change its size
//! needs the instance mutably: the borrow checker refuses a stale view.
//!
//! ```compile_fail,E0502
//! fn stale(instance: &mut kcc_runtime::Instance) -> Result<f32, kcc_runtime::Error> {
//!     let view = instance.view::<f32>("blur", "result")?;
//!     instance.plan("blur", &[("H", 1080)])?; // may move the result
//!     Ok(view[0])
//! }
//! ```

use std::ops::{Deref, DerefMut};

/// Elements and shape of a tensor, in place; derefs to the elements in row-major order.
#[derive(Clone, Copy, Debug)]
pub struct View<'a, T> {
    pub(crate) data: &'a [T],
    pub(crate) shape: &'a [u32],
}

/// A [`View`] that can be written.
#[derive(Debug)]
pub struct ViewMut<'a, T> {
    pub(crate) data: &'a mut [T],
    pub(crate) shape: &'a [u32],
}

impl<'a, T> View<'a, T> {
    /// Extents, outermost first; empty for a scalar.
    pub fn shape(&self) -> &'a [u32] {
        self.shape
    }

    /// The elements with the lifetime of the instance's borrow.
    pub fn elements(&self) -> &'a [T] {
        self.data
    }

    /// The element with these indices, or `None` if their number is not the rank or one is out of range.
    pub fn get_at(&self, indices: &[usize]) -> Option<&'a T> {
        self.data.get(offset(self.shape, indices)?)
    }
}

impl<T> ViewMut<'_, T> {
    /// Extents, outermost first; empty for a scalar.
    pub fn shape(&self) -> &[u32] {
        self.shape
    }

    /// The element with these indices, or `None` if their number is not the rank or one is out of range.
    pub fn get_at_mut(&mut self, indices: &[usize]) -> Option<&mut T> {
        self.data.get_mut(offset(self.shape, indices)?)
    }
}

impl<T> Deref for View<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.data
    }
}

impl<T> Deref for ViewMut<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.data
    }
}

impl<T> DerefMut for ViewMut<'_, T> {
    fn deref_mut(&mut self) -> &mut [T] {
        self.data
    }
}

/// Position of an element in row-major order.
fn offset(shape: &[u32], indices: &[usize]) -> Option<usize> {
    if shape.len() != indices.len() {
        return None;
    }
    let mut flat = 0usize;
    for (extent, index) in shape.iter().zip(indices) {
        if *index >= *extent as usize {
            return None;
        }
        flat = flat * *extent as usize + index;
    }
    Some(flat)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_row_major_and_checked() {
        let view = View { data: &[1, 2, 3, 4, 5, 6], shape: &[2, 3] };
        assert_eq!(view.get_at(&[1, 0]), Some(&4));
        assert_eq!(view.get_at(&[0, 3]), None);
        assert_eq!(view.get_at(&[1]), None);
        assert_eq!(View { data: &[9], shape: &[] }.get_at(&[]), Some(&9));
    }
}
