//! The `hoplint` command.

use std::process::ExitCode;
use std::thread::Builder;

/// Trees and facts are millions of small blocks: with it a check needs about 6 % less time than with the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bytes of stack for the analysis. Values are followed to a depth that is bounded, but the main thread's stack is as large
/// as whoever starts the process says, and one of 8 MiB was once too small for some fifty repositories in one workspace.
const STACK_SIZE: usize = 256 << 20;

fn main() -> ExitCode {
    match Builder::new().stack_size(STACK_SIZE).spawn(hoplint::cli::main) {
        Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        // Where the system gives no such thread, its own will do.
        Err(_) => hoplint::cli::main(),
    }
}
