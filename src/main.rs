//! The `hoplint` command.

/// Trees and facts are millions of small blocks: with it a check needs about 6 % less time than with the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    hoplint::cli::main()
}
