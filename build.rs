//! Compiles `proto/` with protox, so that no system `protoc` is needed.

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

const PROTO: &str = "proto/masker/v1/masker.proto";
const ENVOY: &str = "proto/envoy/ext_proc.proto";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={PROTO}");
    println!("cargo:rerun-if-changed={ENVOY}");
    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_source_info(true).include_imports(true).open_file("masker/v1/masker.proto")?;
    tonic_prost_build::configure()
        .build_transport(true)
        .compile_fds(compiler.file_descriptor_set())?;
    // Bodies are read without a copy; what is written has one order.
    let envoy = protox::compile(["envoy/ext_proc.proto"], ["proto"])?;
    let bodies = ["HttpBody.body", "StreamedBodyResponse.body", "ImmediateResponse.body"];
    bodies
        .iter()
        .fold(tonic_prost_build::configure(), |builder, field| {
            builder.bytes(format!(".envoy.service.ext_proc.v3.{field}"))
        })
        .btree_map(".")
        .build_client(false)
        .compile_fds(envoy)?;
    // For reflection.
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo names no OUT_DIR")?);
    fs::write(out.join("masker.bin"), compiler.encode_file_descriptor_set())?;
    Ok(())
}
