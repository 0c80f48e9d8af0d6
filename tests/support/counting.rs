//! An allocator that counts, for tests of memory.

// Each test program uses a part of it.
#![allow(dead_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Counts per thread, so that tests do not disturb each other.
struct Counting;

thread_local! {
    static LIVE: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

fn grow(bytes: usize) {
    LIVE.set(LIVE.get().wrapping_add(bytes));
    PEAK.set(PEAK.get().max(LIVE.get()));
    CALLS.set(CALLS.get() + 1);
}

fn shrink(bytes: usize) {
    LIVE.set(LIVE.get().wrapping_sub(bytes));
}

// SAFETY: all requests go to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        shrink(layout.size());
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        shrink(layout.size());
        grow(size);
        if size < layout.size() {
            // Giving back is not asking.
            CALLS.set(CALLS.get() - 1);
        }
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The bytes that this thread has on the heap now.
pub(crate) fn live() -> usize {
    LIVE.get()
}

/// What an action did to the heap of this thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    /// Bytes that stay.
    pub(crate) kept: isize,
    /// The most bytes above what was there before.
    pub(crate) peak: usize,
    /// How often memory was asked for, or grown.
    pub(crate) calls: usize,
}

/// Does something and says what it did to the heap.
pub(crate) fn measure<T>(action: impl FnOnce() -> T) -> (T, Used) {
    let (live, calls) = (LIVE.get(), CALLS.get());
    PEAK.set(live);
    let result = action();
    let kept = LIVE.get() as isize - live as isize;
    (result, Used { kept, peak: PEAK.get().saturating_sub(live), calls: CALLS.get() - calls })
}
