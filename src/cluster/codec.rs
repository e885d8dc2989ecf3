//! The heads of gossip messages as bytes.

use bytes::{Buf, BufMut};
use foca::{Codec, Header, Incarnation, Message, State};

use super::member::Member;
use super::varint::{Malformed, byte, get, get_u32, put};

/// Writes and reads what `foca` sends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Compact;

fn put_member(buf: &mut impl BufMut, member: &Member) -> Result<(), Malformed> {
    put(buf, u64::from(member.id))?;
    put(buf, u64::from(member.region))?;
    put(buf, u64::from(member.life))
}

fn get_member(buf: &mut impl Buf) -> Result<Member, Malformed> {
    Ok(Member { id: get_u32(buf)?, region: get_u32(buf)?, life: get_u32(buf)? })
}

fn get_incarnation(buf: &mut impl Buf) -> Result<Incarnation, Malformed> {
    Incarnation::try_from(get(buf)?).map_err(|_| Malformed)
}

impl Codec<Member> for Compact {
    type Error = Malformed;

    fn encode_header(
        &mut self,
        header: &Header<Member>,
        mut buf: impl BufMut,
    ) -> Result<(), Malformed> {
        let buf = &mut buf;
        put_member(buf, &header.src)?;
        put(buf, u64::from(header.src_incarnation))?;
        put_member(buf, &header.dst)?;
        let (tag, number, other) = match &header.message {
            Message::Ping(number) => (0, Some(number), None),
            Message::Ack(number) => (1, Some(number), None),
            Message::PingReq { target, probe_number } => (2, Some(probe_number), Some(target)),
            Message::IndirectPing { origin, probe_number } => (3, Some(probe_number), Some(origin)),
            Message::IndirectAck { target, probe_number } => (4, Some(probe_number), Some(target)),
            Message::ForwardedAck { origin, probe_number } => (5, Some(probe_number), Some(origin)),
            Message::Announce => (6, None, None),
            Message::Feed => (7, None, None),
            Message::Gossip => (8, None, None),
            Message::Broadcast => (9, None, None),
            Message::TurnUndead => (10, None, None),
        };
        put(buf, tag)?;
        if let Some(number) = number {
            put(buf, u64::from(*number))?;
        }
        match other {
            Some(member) => put_member(buf, member),
            None => Ok(()),
        }
    }

    fn decode_header(&mut self, mut buf: impl Buf) -> Result<Header<Member>, Malformed> {
        let buf = &mut buf;
        let src = get_member(buf)?;
        let src_incarnation = get_incarnation(buf)?;
        let dst = get_member(buf)?;
        let tag = byte(buf)?;
        let probe_number = if tag <= 5 { byte_of(get(buf)?)? } else { 0 };
        let message = match tag {
            0 => Message::Ping(probe_number),
            1 => Message::Ack(probe_number),
            2 => Message::PingReq { target: get_member(buf)?, probe_number },
            3 => Message::IndirectPing { origin: get_member(buf)?, probe_number },
            4 => Message::IndirectAck { target: get_member(buf)?, probe_number },
            5 => Message::ForwardedAck { origin: get_member(buf)?, probe_number },
            6 => Message::Announce,
            7 => Message::Feed,
            8 => Message::Gossip,
            9 => Message::Broadcast,
            10 => Message::TurnUndead,
            _ => return Err(Malformed),
        };
        Ok(Header { src, src_incarnation, dst, message })
    }

    fn encode_member(
        &mut self,
        member: &foca::Member<Member>,
        mut buf: impl BufMut,
    ) -> Result<(), Malformed> {
        let mut whole = Vec::with_capacity(16);
        put_member(&mut whole, member.id())?;
        put(&mut whole, u64::from(member.incarnation()))?;
        whole.push(match member.state() {
            State::Alive => 0,
            State::Suspect => 1,
            State::Down => 2,
        });
        if buf.remaining_mut() < whole.len() {
            return Err(Malformed);
        }
        buf.put_slice(&whole);
        Ok(())
    }

    fn decode_member(&mut self, mut buf: impl Buf) -> Result<foca::Member<Member>, Malformed> {
        let buf = &mut buf;
        let id = get_member(buf)?;
        let incarnation = get_incarnation(buf)?;
        let state = match byte(buf)? {
            0 => State::Alive,
            1 => State::Suspect,
            2 => State::Down,
            _ => return Err(Malformed),
        };
        Ok(foca::Member::new(id, incarnation, state))
    }
}

fn byte_of(value: u64) -> Result<u8, Malformed> {
    u8::try_from(value).map_err(|_| Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_comes_back_and_none_is_read_from_less() {
        let other = Member { id: 300, region: 2, life: 9 };
        let messages = [
            Message::Ping(200),
            Message::Ack(1),
            Message::PingReq { target: other, probe_number: 2 },
            Message::IndirectPing { origin: other, probe_number: 3 },
            Message::IndirectAck { target: other, probe_number: 4 },
            Message::ForwardedAck { origin: other, probe_number: 255 },
            Message::Announce,
            Message::Feed,
            Message::Gossip,
            Message::Broadcast,
            Message::TurnUndead,
        ];
        for message in messages {
            let (src, dst) = (Member::new(1, 0), Member::new(2, 1));
            let header = Header { src, src_incarnation: 700, dst, message };
            let mut bytes = Vec::new();
            Compact.encode_header(&header, &mut bytes).unwrap();
            assert_eq!(Compact.decode_header(&bytes[..]), Ok(header));
            for short in 0..bytes.len() {
                assert_eq!(Compact.decode_header(&bytes[..short]), Err(Malformed), "{short}");
            }
        }
    }

    #[test]
    fn every_state_of_a_member_comes_back() {
        for state in [State::Alive, State::Suspect, State::Down] {
            let member = foca::Member::new(Member { id: 7, region: 1, life: 2 }, 3, state);
            let mut bytes = Vec::new();
            Compact.encode_member(&member, &mut bytes).unwrap();
            assert_eq!(Compact.decode_member(&bytes[..]), Ok(member.clone()));
            let mut room = &mut vec![0u8; bytes.len() - 1][..];
            assert_eq!(Compact.encode_member(&member, &mut room), Err(Malformed));
            assert_eq!(room.len(), bytes.len() - 1, "nothing is left behind");
        }
    }
}
