//! Keeps a defect of our own in one file from ending the whole run.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`; a panic in it is silent and becomes `None`. Values that `work` changes must not be used after a `None`.
pub fn contain<T>(work: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let outer = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !CONTAINED.get() {
                outer(info);
            }
        }));
    });
    let before = CONTAINED.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(work)).ok();
    CONTAINED.set(before);
    result
}

#[cfg(test)]
mod tests {
    use super::contain;

    #[test]
    fn a_panic_is_contained() {
        assert_eq!(contain(|| 1), Some(1));
        assert_eq!(
            contain(|| {
                if super::CONTAINED.get() {
                    std::panic::panic_any(1)
                }
            }),
            None
        );
        assert!(!super::CONTAINED.get());
    }
}
