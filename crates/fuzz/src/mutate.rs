//! Seeded mutations of inputs.

use fastrand::Rng;

/// The longest input, in bytes, that mutations make.
pub const MAX_LENGTH: usize = 16 * 1024;

/// Pieces of text that decide what an input means.
const WORDS: &[&[u8]] = &[
    b"\"",
    b"\\u0000",
    b"{",
    b"}",
    b"[",
    b"]",
    b"[[",
    b"null",
    b"true",
    b"-1",
    b"1e999",
    b"18446744073709551616",
    b"%",
    b"%2f",
    b"%00",
    b"%ff",
    b"+",
    b"/",
    b"//",
    b"..",
    b"/../",
    b"?",
    b"#",
    b"@",
    b":",
    b"*",
    b"**",
    b"**/",
    b"{a,b}",
    b"[!a]",
    b"\\",
    b"\n",
    b"\n\n",
    b"\r",
    b"\t",
    b"\0",
    b"\xef\xbb\xbf",
    b"\xff",
    "ä".as_bytes(),
    "\u{2028}".as_bytes(),
    "\u{85}".as_bytes(),
    b"Records",
    b"aws:sqs",
    b"aws:s3",
    b"ceph:s3",
    b"Sns",
    b"body",
    b"Message",
    b"Messages",
    b"requestPayload",
    b"requestContext",
    b"isBase64Encoded",
    b"detail-type",
    b"s3.amazonaws.com",
    b"minio:s3",
    b"success",
    b"error_chain",
    b"Retry-After: 9",
    b"version = 1",
    b"index.html",
    b"uk/",
];

/// An input made from others by one to eight steps.
pub fn mutated(rng: &mut Rng, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = rng.choice(corpus).cloned().unwrap_or_default();
    for _ in 0..rng.usize(1..=8) {
        step(rng, corpus, &mut bytes);
    }
    bytes.truncate(MAX_LENGTH);
    bytes
}

fn step(rng: &mut Rng, corpus: &[Vec<u8>], bytes: &mut Vec<u8>) {
    let at = rng.usize(0..=bytes.len());
    let end = rng.usize(at..=bytes.len().min(at + 64));
    match rng.u8(0..7) {
        0 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << rng.u8(0..8)),
        1 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = rng.u8(..)),
        2 => drop(bytes.drain(at..end)),
        3 => insert(bytes, at, rng.choice(WORDS).copied().unwrap_or_default()),
        4 => {
            let piece = bytes[at..end].repeat(1 << rng.u8(0..6));
            insert(bytes, at, &piece);
        }
        5 => {
            let other = rng.choice(corpus).map(Vec::as_slice).unwrap_or_default();
            let from = rng.usize(0..=other.len());
            let until = rng.usize(from..=other.len().min(from + 256));
            insert(bytes, at, &other[from..until]);
        }
        _ => bytes.truncate(at),
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, piece: &[u8]) {
    bytes.splice(at..at, piece.iter().copied());
}
