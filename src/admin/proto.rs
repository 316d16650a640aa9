//! The generated code of `proto/masker/v1/masker.proto`.
#![expect(
    clippy::allow_attributes_without_reason,
    clippy::too_many_lines,
    unused_qualifications,
    reason = "the generator writes its exceptions without reasons, full paths and one long function"
)]

tonic::include_proto!("masker.v1");

/// The proto itself, for reflection.
pub(super) const DESCRIPTORS: &[u8] = tonic::include_file_descriptor_set!("masker");
