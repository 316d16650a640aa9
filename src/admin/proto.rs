//! The generated code of `proto/masker/v1/masker.proto`.
#![expect(
    clippy::allow_attributes_without_reason,
    unused_qualifications,
    reason = "the generator writes its exceptions without reasons, and full paths"
)]

tonic::include_proto!("masker.v1");
