//! Whether a program for Linux is static.

/// The type of the program header that names a dynamic linker (`PT_INTERP` in elf(5)).
const INTERPRETER: usize = 3;

/// Whether a 64-bit ELF program needs no dynamic linker, and so no library of the machine.
///
/// # Errors
///
/// If this is not such a program.
pub(crate) fn is_static(program: &[u8]) -> Result<bool, String> {
    let not_a_program = || "not a 64-bit little-endian ELF program".to_owned();
    if program.get(..6) != Some(b"\x7fELF\x02\x01") {
        return Err(not_a_program());
    }
    let number = |at: usize, length: usize| {
        let bytes = program.get(at..at.checked_add(length)?)?;
        Some(bytes.iter().rev().fold(0_usize, |number, byte| (number << 8) | usize::from(*byte)))
    };
    let header = |at, length| number(at, length).ok_or_else(not_a_program);
    let (headers, size, count) = (header(0x20, 8)?, header(0x36, 2)?, header(0x38, 2)?);
    let kinds = (0..count).map(|index| number(headers.checked_add(index * size)?, 4));
    let kinds: Option<Vec<usize>> = kinds.collect();
    Ok(!kinds.ok_or_else(not_a_program)?.contains(&INTERPRETER))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program with one header of this type.
    fn program(kind: u8) -> Vec<u8> {
        let mut bytes = vec![0; 0x40 + 0x38];
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        (bytes[0x20], bytes[0x36], bytes[0x38], bytes[0x40]) = (0x40, 0x38, 1, kind);
        bytes
    }

    #[test]
    fn a_program_without_an_interpreter_is_static() {
        assert_eq!(is_static(&program(1)), Ok(true));
        assert_eq!(is_static(&program(3)), Ok(false));
    }

    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn this_program_needs_the_libraries_of_its_machine() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(is_static(&own), Ok(false));
    }

    #[test]
    fn other_files_are_refused() {
        let cut_off = &program(1)[..0x40];
        for other in [b"".as_slice(), b"#!/bin/sh\n", b"\x7fELF\x01\x01", b"\x7fELF\x02\x01", cut_off] {
            assert!(is_static(other).is_err());
        }
    }
}
