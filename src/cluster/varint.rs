//! Whole numbers in as few bytes as they need: seven bits a byte, the lowest first (LEB128).

use bytes::{Buf, BufMut};

/// A buffer that is too short, or bytes that mean nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a message that is too long or means nothing")
    }
}

impl std::error::Error for Malformed {}

/// Longest number.
const BYTES: usize = 10;

/// Writes a number, if there is room for it.
pub(super) fn put(buf: &mut impl BufMut, mut value: u64) -> Result<(), Malformed> {
    let mut bytes = [0u8; BYTES];
    let mut length = 0;
    loop {
        bytes[length] = (value & 0x7f) as u8;
        value >>= 7;
        length += 1;
        if value == 0 {
            break;
        }
        bytes[length - 1] |= 0x80;
    }
    if buf.remaining_mut() < length {
        return Err(Malformed);
    }
    buf.put_slice(&bytes[..length]);
    Ok(())
}

/// Reads a number.
pub(super) fn get(buf: &mut impl Buf) -> Result<u64, Malformed> {
    let mut value = 0u64;
    for at in 0..BYTES {
        let byte = byte(buf)?;
        let part = u64::from(byte & 0x7f);
        // The tenth byte has one bit left.
        if at == BYTES - 1 && part > 1 {
            return Err(Malformed);
        }
        value |= part << (7 * at);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Malformed)
}

/// Reads a number that has to fit.
pub(super) fn get_u32(buf: &mut impl Buf) -> Result<u32, Malformed> {
    u32::try_from(get(buf)?).map_err(|_| Malformed)
}

/// Reads one byte.
pub(super) fn byte(buf: &mut impl Buf) -> Result<u8, Malformed> {
    if buf.has_remaining() { Ok(buf.get_u8()) } else { Err(Malformed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_and_small_ones_are_short() {
        for (value, length) in [(0, 1), (127, 1), (128, 2), (1 << 35, 6), (u64::MAX, 10)] {
            let mut bytes = Vec::new();
            put(&mut bytes, value).unwrap();
            assert_eq!((bytes.len(), get(&mut &bytes[..])), (length, Ok(value)));
            assert_eq!(get(&mut &bytes[..length - 1]), Err(Malformed), "cut short");
            let mut room = &mut vec![0u8; length - 1][..];
            assert_eq!(put(&mut room, value), Err(Malformed), "no room");
        }
        assert_eq!(get(&mut &[0xff; 11][..]), Err(Malformed));
        assert_eq!(get(&mut &[255, 255, 255, 255, 255, 255, 255, 255, 255, 2][..]), Err(Malformed));
    }
}
