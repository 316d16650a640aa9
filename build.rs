//! Compiles `proto/` with protox, so that no system `protoc` is needed.

use std::error::Error;

const PROTO: &str = "proto/masker/v1/masker.proto";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={PROTO}");
    let descriptors = protox::compile([PROTO], ["proto"])?;
    tonic_prost_build::configure().build_transport(true).compile_fds(descriptors)?;
    Ok(())
}
