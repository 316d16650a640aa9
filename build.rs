//! Compiles `proto/` with protox, so that no system `protoc` is needed.

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

const PROTO: &str = "proto/masker/v1/masker.proto";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={PROTO}");
    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_source_info(true).include_imports(true).open_file("masker/v1/masker.proto")?;
    tonic_prost_build::configure()
        .build_transport(true)
        .compile_fds(compiler.file_descriptor_set())?;
    // For reflection.
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo names no OUT_DIR")?);
    fs::write(out.join("masker.bin"), compiler.encode_file_descriptor_set())?;
    Ok(())
}
