//! Types: tensors, several values, structs, lists.

use super::load::ItemId;
use crate::size::Size;
use crate::types::Scalar;
use std::ops::Deref;

/// A type.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// A tensor; rank 0 is a scalar.
    Tensor(TensorType),
    /// Several values, named or not; also a struct.
    Tuple(Parts),
    /// A list: only of `var` locals and in-out parameters. As a value it is a tensor (see [`super::ExprKind::Freeze`]).
    List(ListType),
}

/// A tensor type.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorType {
    /// Element type.
    pub elem: Scalar,
    /// Extents, outermost first.
    pub dims: Vec<Size>,
}

/// The type of a list: at most `cap` scalars.
#[derive(Clone, Debug, PartialEq)]
pub struct ListType {
    /// Element type.
    pub elem: Scalar,
    /// How many elements it can hold.
    pub cap: Size,
}

/// The types of several values. What dereferences to the list of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Parts {
    parts: Vec<(Option<String>, Type)>,
    /// The struct that they are the fields of.
    pub of: Option<Box<StructRef>>,
}

/// A struct with its sizes: `Boxes[K]`.
#[derive(Clone, Debug, PartialEq)]
pub struct StructRef {
    /// The item: structs of other items are other types, whatever their fields are.
    pub item: ItemId,
    /// Its name with its module, for messages.
    pub name: String,
    /// Its sizes.
    pub sizes: Vec<Size>,
}

impl Deref for Parts {
    type Target = Vec<(Option<String>, Type)>;

    fn deref(&self) -> &Self::Target {
        &self.parts
    }
}

impl<'p> IntoIterator for &'p Parts {
    type Item = &'p (Option<String>, Type);
    type IntoIter = std::slice::Iter<'p, (Option<String>, Type)>;

    fn into_iter(self) -> Self::IntoIter {
        self.parts.iter()
    }
}

impl From<Vec<(Option<String>, Type)>> for Parts {
    fn from(parts: Vec<(Option<String>, Type)>) -> Parts {
        Parts { parts, of: None }
    }
}

impl Parts {
    /// The fields of a struct.
    pub fn of(of: StructRef, fields: Vec<(Option<String>, Type)>) -> Parts {
        Parts { parts: fields, of: Some(Box::new(of)) }
    }

    /// The types alone.
    pub fn types(&self) -> impl Iterator<Item = &Type> {
        self.parts.iter().map(|(_, ty)| ty)
    }
}

impl Type {
    /// A scalar.
    pub fn scalar(elem: Scalar) -> Type {
        Type::Tensor(TensorType { elem, dims: Vec::new() })
    }

    /// A tensor.
    pub fn tensor(elem: Scalar, dims: Vec<Size>) -> Type {
        Type::Tensor(TensorType { elem, dims })
    }

    /// Several values.
    pub fn tuple(parts: Vec<(Option<String>, Type)>) -> Type {
        Type::Tuple(parts.into())
    }

    /// Whether it is no value at all: what a function without results gives.
    pub fn is_unit(&self) -> bool {
        matches!(self, Type::Tuple(parts) if parts.is_empty())
    }

    /// The tensor type, if it is one.
    pub fn as_tensor(&self) -> Option<&TensorType> {
        match self {
            Type::Tensor(tensor) => Some(tensor),
            Type::Tuple(_) | Type::List(_) => None,
        }
    }

    /// The list type, if it is one.
    pub fn as_list(&self) -> Option<&ListType> {
        match self {
            Type::List(list) => Some(list),
            Type::Tensor(_) | Type::Tuple(_) => None,
        }
    }

    /// The struct with its fields, if it is one.
    pub fn as_struct(&self) -> Option<(&StructRef, &Parts)> {
        match self {
            Type::Tuple(parts) => parts.of.as_deref().map(|of| (of, parts)),
            Type::Tensor(_) | Type::List(_) => None,
        }
    }

    /// The scalar type, if it has rank 0.
    pub fn as_scalar(&self) -> Option<Scalar> {
        self.as_tensor().filter(|tensor| tensor.dims.is_empty()).map(|tensor| tensor.elem)
    }

    /// Extents of a tensor; the capacity of a list.
    pub fn sizes(&self) -> &[Size] {
        match self {
            Type::Tensor(tensor) => &tensor.dims,
            Type::List(list) => std::slice::from_ref(&list.cap),
            Type::Tuple(_) => &[],
        }
    }

    /// The element type of a tensor or list.
    pub fn elem(&self) -> Option<Scalar> {
        match self {
            Type::Tensor(tensor) => Some(tensor.elem),
            Type::List(list) => Some(list.elem),
            Type::Tuple(_) => None,
        }
    }

    /// The type with other sizes.
    pub fn map_sizes(&self, f: &mut dyn FnMut(&Size) -> Size) -> Type {
        match self {
            Type::Tensor(tensor) => Type::tensor(tensor.elem, tensor.dims.iter().map(f).collect()),
            Type::List(list) => Type::List(ListType { elem: list.elem, cap: f(&list.cap) }),
            Type::Tuple(tuple) => {
                let parts = tuple.iter().map(|(name, ty)| (name.clone(), ty.map_sizes(f))).collect();
                let of = tuple.of.as_ref().map(|of| {
                    Box::new(StructRef {
                        item: of.item,
                        name: of.name.clone(),
                        sizes: of.sizes.iter().map(f).collect(),
                    })
                });
                Type::Tuple(Parts { parts, of })
            }
        }
    }

    /// The type with further leading axes: of a struct these are its fields, no longer the struct.
    pub fn lifted(&self, lift: &[Size]) -> Type {
        if lift.is_empty() {
            return self.clone();
        }
        match self {
            Type::Tensor(tensor) => Type::tensor(tensor.elem, lift.iter().chain(&tensor.dims).cloned().collect()),
            Type::Tuple(parts) => Type::tuple(parts.iter().map(|(name, ty)| (name.clone(), ty.lifted(lift))).collect()),
            Type::List(list) => Type::List(list.clone()),
        }
    }
}
