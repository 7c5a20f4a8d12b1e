//! The `hoplint` command.

fn main() -> std::process::ExitCode {
    hoplint::cli::main()
}
