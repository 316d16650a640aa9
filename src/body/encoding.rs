//! Content codings (RFC 9110, section 8.4.1): inflating, with a limit.

use std::fmt;
use std::io::{self, Write};

use thiserror::Error;

/// A coding that can be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum CodingError {
    #[error("the content coding is none of gzip, deflate, br, zstd, identity")]
    Unknown,
    #[error("more than one content coding is applied")]
    Stacked,
    #[error("the body is not valid in its content coding")]
    Damaged,
    #[error("the body inflates to more than {0} bytes")]
    TooLarge(usize),
}

impl Coding {
    /// Reads `content-encoding`. `None`: the body is sent as it is.
    pub fn parse(header: &str) -> Result<Option<Self>, CodingError> {
        let mut codings = header
            .split(',')
            .map(|name| name.trim().to_ascii_lowercase())
            .filter(|name| !name.is_empty() && name != "identity");
        let Some(name) = codings.next() else { return Ok(None) };
        if codings.next().is_some() {
            return Err(CodingError::Stacked);
        }
        Ok(Some(match name.as_str() {
            "gzip" | "x-gzip" => Self::Gzip,
            "deflate" => Self::Deflate,
            "br" => Self::Brotli,
            "zstd" => Self::Zstd,
            _ => return Err(CodingError::Unknown),
        }))
    }

    /// Inflates a whole body to at most `limit` bytes.
    pub fn inflate(self, body: &[u8], limit: usize) -> Result<Vec<u8>, CodingError> {
        let mut inflater = Inflater::new(self, limit);
        let mut out = inflater.push(body)?;
        out.append(&mut inflater.finish()?);
        Ok(out)
    }
}

/// Undoes a coding piece by piece.
pub struct Inflater {
    decoder: Decoder,
    limit: usize,
}

enum Decoder {
    /// `deflate` is zlib by the standard and raw by custom: the first bytes tell.
    Undecided(Vec<u8>, usize),
    Gzip(Box<flate2::write::MultiGzDecoder<Sink>>),
    Deflate(Box<Deflate>),
    Brotli(Box<brotli_decompressor::DecompressorWriter<Sink>>),
    Zstd(Box<Zstd>),
    /// A decoder that could not be made.
    None,
}

/// zlib or raw deflate. Its end must be seen: flate2's writer forgives a body
/// that is cut off.
struct Deflate {
    inflate: flate2::Decompress,
    sink: Sink,
    ended: bool,
}

impl Deflate {
    fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let mut piece = [0; 8192];
        while !self.ended {
            let (read, written) = (self.inflate.total_in(), self.inflate.total_out());
            let none = flate2::FlushDecompress::None;
            let status = self.inflate.decompress(bytes, &mut piece, none)?;
            let read = usize::try_from(self.inflate.total_in() - read).unwrap_or_default();
            let written = usize::try_from(self.inflate.total_out() - written).unwrap_or_default();
            self.sink.write_all(piece.get(..written).unwrap_or_default())?;
            bytes = bytes.get(read..).unwrap_or_default();
            self.ended = status == flate2::Status::StreamEnd;
            if read == 0 && written == 0 {
                break;
            }
        }
        if bytes.is_empty() { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
    }
}

/// Zstandard frames. The end of the last must be seen.
struct Zstd {
    inflate: zstd::stream::raw::Decoder<'static>,
    sink: Sink,
    /// Between frames.
    ended: bool,
}

impl Zstd {
    fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        use zstd::stream::raw::Operation as _;
        let mut piece = [0; 8192];
        loop {
            if self.ended && bytes.is_empty() {
                return Ok(());
            }
            if self.ended {
                self.inflate.reinit()?;
                self.ended = false;
            }
            let status = self.inflate.run_on_buffers(bytes, &mut piece)?;
            self.sink.write_all(piece.get(..status.bytes_written).unwrap_or_default())?;
            bytes = bytes.get(status.bytes_read..).unwrap_or_default();
            self.ended = status.remaining == 0;
            if status.bytes_read == 0 && status.bytes_written == 0 && !self.ended {
                return if bytes.is_empty() {
                    Ok(())
                } else {
                    Err(io::ErrorKind::InvalidData.into())
                };
            }
        }
    }
}

fn seen(ended: bool) -> io::Result<()> {
    if ended { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Takes what a decoder writes, up to a total.
#[derive(Debug, Default)]
struct Sink {
    out: Vec<u8>,
    left: usize,
    full: bool,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.left {
            self.full = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.left -= bytes.len();
        self.out.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater").field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl Inflater {
    /// Gives at most `limit` bytes in all.
    #[must_use]
    pub fn new(coding: Coding, limit: usize) -> Self {
        let sink = Sink { left: limit, ..Sink::default() };
        let decoder = match coding {
            Coding::Gzip => Decoder::Gzip(Box::new(flate2::write::MultiGzDecoder::new(sink))),
            Coding::Deflate => Decoder::Undecided(Vec::new(), limit),
            Coding::Brotli => {
                let writer = brotli_decompressor::DecompressorWriter::new(sink, 4096);
                Decoder::Brotli(Box::new(writer))
            }
            Coding::Zstd => match zstd::stream::raw::Decoder::new() {
                Ok(inflate) => Decoder::Zstd(Box::new(Zstd { inflate, sink, ended: false })),
                Err(_) => Decoder::None,
            },
        };
        Self { decoder, limit }
    }

    /// What the next piece of the body inflates to.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<u8>, CodingError> {
        let mut bytes = bytes.to_vec();
        if let Decoder::Undecided(first, left) = &mut self.decoder {
            first.append(&mut bytes);
            let [cmf, flg, ..] = first.as_slice() else { return Ok(Vec::new()) };
            let zlib = cmf & 15 == 8 && (u16::from(*cmf) << 8 | u16::from(*flg)) % 31 == 0;
            let sink = Sink { left: *left, ..Sink::default() };
            bytes = std::mem::take(first);
            let inflate = flate2::Decompress::new(zlib);
            self.decoder = Decoder::Deflate(Box::new(Deflate { inflate, sink, ended: false }));
        }
        let written = self.write(&bytes);
        self.take(&written)
    }

    /// The end of the body.
    pub fn finish(&mut self) -> Result<Vec<u8>, CodingError> {
        let done = match &mut self.decoder {
            Decoder::Gzip(decoder) => decoder.try_finish(),
            Decoder::Deflate(decoder) => seen(decoder.ended),
            Decoder::Brotli(decoder) => decoder.close(),
            Decoder::Zstd(decoder) => seen(decoder.ended),
            Decoder::Undecided(..) | Decoder::None => Err(io::ErrorKind::InvalidData.into()),
        };
        self.take(&done)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.decoder {
            Decoder::Gzip(decoder) => decoder.write_all(bytes).and_then(|()| decoder.flush()),
            Decoder::Deflate(decoder) => decoder.write(bytes),
            Decoder::Brotli(decoder) => decoder.write_all(bytes).and_then(|()| decoder.flush()),
            Decoder::Zstd(decoder) => decoder.write(bytes),
            Decoder::Undecided(..) | Decoder::None => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    fn take(&mut self, done: &io::Result<()>) -> Result<Vec<u8>, CodingError> {
        let sink = match &mut self.decoder {
            Decoder::Gzip(decoder) => decoder.get_mut(),
            Decoder::Deflate(decoder) => &mut decoder.sink,
            Decoder::Brotli(decoder) => decoder.get_mut(),
            Decoder::Zstd(decoder) => &mut decoder.sink,
            Decoder::Undecided(..) | Decoder::None => return Err(CodingError::Damaged),
        };
        match done {
            _ if sink.full => Err(CodingError::TooLarge(self.limit)),
            Ok(()) => Ok(std::mem::take(&mut sink.out)),
            Err(_) => Err(CodingError::Damaged),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(coding: Coding, text: &[u8]) -> Vec<u8> {
        let level = flate2::Compression::default();
        match coding {
            Coding::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
                encoder.write_all(text).unwrap();
                encoder.finish().unwrap()
            }
            Coding::Deflate => {
                let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), level);
                encoder.write_all(text).unwrap();
                encoder.finish().unwrap()
            }
            Coding::Brotli => {
                let mut out = Vec::new();
                let params = brotli::enc::BrotliEncoderParams { quality: 4, ..Default::default() };
                brotli::BrotliCompress(&mut &*text, &mut out, &params).unwrap();
                out
            }
            Coding::Zstd => zstd::encode_all(text, 3).unwrap(),
        }
    }

    const ALL: [Coding; 4] = [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd];

    #[test]
    fn inflates_whole_and_in_pieces_and_never_beyond_the_limit() {
        let text = b"i-0123456789abcdef0 ".repeat(5000);
        for coding in ALL {
            let body = packed(coding, &text);
            assert_eq!(coding.inflate(&body, text.len()).unwrap(), text, "{coding:?}");
            let error = coding.inflate(&body, text.len() - 1).unwrap_err();
            assert_eq!(error, CodingError::TooLarge(text.len() - 1), "{coding:?}");
            let mut inflater = Inflater::new(coding, text.len());
            let mut out = Vec::new();
            for piece in body.chunks(7) {
                out.append(&mut inflater.push(piece).unwrap());
            }
            out.append(&mut inflater.finish().unwrap());
            assert_eq!(out, text, "{coding:?}");
            for cut in [1, body.len() / 2, body.len() - 1] {
                let error = coding.inflate(body.split_at(cut).0, text.len()).unwrap_err();
                assert_eq!(error, CodingError::Damaged, "{coding:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn damage_is_an_error() {
        for coding in ALL {
            assert_eq!(coding.inflate(b"no such coding", 99).unwrap_err(), CodingError::Damaged);
        }
        let mut raw = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        raw.write_all(b"raw").unwrap();
        assert_eq!(Coding::Deflate.inflate(&raw.finish().unwrap(), 9).unwrap(), b"raw");
    }

    #[test]
    fn headers_are_read() {
        assert_eq!(Coding::parse("identity, GZIP"), Ok(Some(Coding::Gzip)));
        assert_eq!(Coding::parse(""), Ok(None));
        assert_eq!(Coding::parse("compress"), Err(CodingError::Unknown));
        assert_eq!(Coding::parse("gzip, br"), Err(CodingError::Stacked));
    }
}
