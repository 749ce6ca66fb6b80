//! Structs of named values, of which the numbers are a model's inputs.

use compact_str::CompactString;

/// A value that may be an input of the model.
pub trait Value {
    const IS_NUMBER: bool = true;
    /// As the model takes it: a bool is 0 or 1, None is NaN.
    fn input(&self) -> f64;
}

impl Value for f64 {
    fn input(&self) -> f64 {
        *self
    }
}

impl Value for i64 {
    fn input(&self) -> f64 {
        *self as f64
    }
}

impl Value for bool {
    fn input(&self) -> f64 {
        f64::from(u8::from(*self))
    }
}

macro_rules! no_number {
    ($($kind:ty),+) => {
        $(impl Value for $kind {
            const IS_NUMBER: bool = false;
            fn input(&self) -> f64 {
                f64::NAN
            }
        })+
    };
}
no_number!(&str, String, CompactString);

impl<T: Value> Value for Option<T> {
    const IS_NUMBER: bool = T::IS_NUMBER;
    fn input(&self) -> f64 {
        self.as_ref().map_or(f64::NAN, Value::input)
    }
}

/// Declares a struct together with its fields' names (`INPUTS`, with whether each is a number) and `write_inputs`,
/// which puts them into a row in that order.
macro_rules! values {
    ($(#[$about:meta])* pub struct $name:ident $(<$life:lifetime>)? { $(pub $field:ident: $kind:ty,)+ }) => {
        $(#[$about])*
        #[derive(serde::Serialize)]
        pub struct $name $(<$life>)? { $(pub $field: $kind,)+ }

        impl $(<$life>)? $name $(<$life>)? {
            pub const INPUTS: &'static [(&'static str, bool)] =
                &[$((stringify!($field), <$kind as $crate::values::Value>::IS_NUMBER),)+];

            pub fn write_inputs(&self, row: &mut [f64]) {
                let inputs = [$($crate::values::Value::input(&self.$field),)+];
                row[..inputs.len()].copy_from_slice(&inputs);
            }
        }
    };
}
pub(crate) use values;
