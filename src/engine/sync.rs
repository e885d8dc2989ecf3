//! The one module that names atomics. Under `--cfg loom` it swaps them for the model checker's; the snapshot
//! pointer (arc-swap, which is trusted) becomes a mutex there.

#[cfg(not(loom))]
mod real {
    pub(crate) use std::sync::Mutex;
    pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

    use std::sync::Arc;

    /// A pointer to an immutable value, read without a lock.
    #[derive(Debug)]
    pub(crate) struct Swap<T>(arc_swap::ArcSwap<T>);

    impl<T> Swap<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(arc_swap::ArcSwap::from_pointee(value))
        }

        pub(crate) fn load(&self) -> impl std::ops::Deref<Target = Arc<T>> + use<T> {
            self.0.load()
        }

        pub(crate) fn store(&self, value: T) {
            self.0.store(Arc::new(value));
        }
    }
}

#[cfg(loom)]
mod real {
    pub(crate) use loom::sync::Mutex;
    pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering};

    use std::sync::Arc;

    #[derive(Debug)]
    pub(crate) struct Swap<T>(Mutex<Arc<T>>);

    impl<T> Swap<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(Mutex::new(Arc::new(value)))
        }

        pub(crate) fn load(&self) -> Box<Arc<T>> {
            Box::new(self.0.lock().unwrap().clone())
        }

        pub(crate) fn store(&self, value: T) {
            *self.0.lock().unwrap() = Arc::new(value);
        }
    }
}

pub(crate) use real::{AtomicU32, AtomicU64, Mutex, Ordering, Swap};
