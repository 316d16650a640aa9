//! The generated code of `proto/envoy/ext_proc.proto`.
#![expect(
    clippy::allow_attributes_without_reason,
    unused_qualifications,
    reason = "the generator writes its exceptions without reasons, and full paths"
)]

tonic::include_proto!("envoy.service.ext_proc.v3");
