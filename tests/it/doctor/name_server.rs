//! A name server of the tests' own, over UDP and TCP, written by hand from RFC 1035, so that it
//! isn't the program's own library that answers itself.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;

/// Bytes of an answer that go over UDP; what is longer is asked again over TCP.
const MOST_BYTES: usize = 512;
/// Bytes of a header.
const HEADER: usize = 12;

const A: u16 = 1;
const MX: u16 = 15;
const TXT: u16 = 16;

const NO_NAME: u8 = 3;
const FAILURE: u8 = 2;

/// What stands at a name.
#[derive(Debug, Clone, Copy)]
pub(super) enum Is {
    Text(&'static str),
    Mail(u16, &'static str),
    Address([u8; 4]),
    /// The server fails for this name.
    Failing,
    /// It says nothing to questions for this name.
    Silent,
}

/// Names and what stands there, several times for several records.
pub(super) type Zone = &'static [(&'static str, Is)];

/// Running until it is dropped.
pub(super) struct NameServer {
    pub(super) address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl NameServer {
    pub(super) async fn start(zone: Zone) -> Self {
        // The same port for both, which another program may have taken for one of them.
        let (udp, tcp) = loop {
            let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
                break (udp, tcp);
            }
        };
        let address = udp.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        let udp = Arc::new(udp);
        tasks.spawn(async move {
            let mut question = [0; MOST_BYTES];
            while let Ok((bytes, from)) = udp.recv_from(&mut question).await {
                if let Some(mut answer) = answer(zone, &question[..bytes]) {
                    if answer.len() > MOST_BYTES {
                        answer.truncate(bytes);
                        answer[2] |= 0x02;
                        answer[6..8].fill(0);
                    }
                    udp.send_to(&answer, from).await.unwrap();
                }
            }
        });
        tasks.spawn(async move {
            let mut guests = JoinSet::new();
            while let Ok((guest, _)) = tcp.accept().await {
                guests.spawn(over_tcp(zone, guest));
            }
        });
        Self {
            address,
            _tasks: tasks,
        }
    }
}

async fn over_tcp(zone: Zone, mut guest: TcpStream) {
    while let Ok(length) = guest.read_u16().await {
        let mut question = vec![0; usize::from(length)];
        if guest.read_exact(&mut question).await.is_err() {
            return;
        }
        if let Some(answer) = answer(zone, &question) {
            let length = u16::try_from(answer.len()).unwrap();
            let whole = [&length.to_be_bytes()[..], &answer].concat();
            if guest.write_all(&whole).await.is_err() {
                return;
            }
        }
    }
}

/// The answer to a question, or silence.
fn answer(zone: Zone, question: &[u8]) -> Option<Vec<u8>> {
    let (name, end) = name_at(question, HEADER);
    let kind = u16::from_be_bytes([question[end], question[end + 1]]);
    let here: Vec<Is> = zone
        .iter()
        .filter(|(there, _)| *there == name)
        .map(|(_, is)| *is)
        .collect();
    if here.iter().any(|is| matches!(is, Is::Silent)) {
        return None;
    }
    let failing = here.iter().any(|is| matches!(is, Is::Failing));
    // A name is there as well when something stands below it.
    let below = format!(".{name}");
    let names: BTreeSet<&str> = zone.iter().map(|(there, _)| *there).collect();
    let there = names
        .iter()
        .any(|one| *one == name || one.ends_with(&below));
    let records: Vec<Vec<u8>> = here.iter().filter_map(|is| data(*is, kind)).collect();
    let code = match (failing, there) {
        (true, _) => FAILURE,
        (false, true) => 0,
        (false, false) => NO_NAME,
    };
    let mut answer = question[..2].to_vec();
    answer.extend([0x81, 0x80 | code, 0, 1]);
    answer.extend(u16::try_from(records.len()).unwrap().to_be_bytes());
    answer.extend([0; 4]);
    answer.extend(&question[HEADER..end + 4]);
    for record in records {
        // The name of the question, which stands at byte 12.
        answer.extend([0xC0, 12]);
        answer.extend(kind.to_be_bytes());
        answer.extend([0, 1, 0, 0, 0, 60]);
        answer.extend(u16::try_from(record.len()).unwrap().to_be_bytes());
        answer.extend(record);
    }
    Some(answer)
}

/// A name as it is written in a question, and where it ends.
fn name_at(bytes: &[u8], mut at: usize) -> (String, usize) {
    let mut labels = Vec::new();
    while bytes[at] > 0 {
        let next = at + 1 + usize::from(bytes[at]);
        let label = String::from_utf8(bytes[at + 1..next].to_vec()).unwrap();
        labels.push(label.to_ascii_lowercase());
        at = next;
    }
    (labels.join("."), at + 1)
}

fn data(is: Is, asked: u16) -> Option<Vec<u8>> {
    match (is, asked) {
        (Is::Text(text), TXT) => {
            let pieces = text.as_bytes().chunks(255);
            let piece = |piece: &[u8]| [&[u8::try_from(piece.len()).unwrap()], piece].concat();
            Some(pieces.flat_map(piece).collect())
        }
        (Is::Mail(preference, host), MX) => {
            let mut data = preference.to_be_bytes().to_vec();
            for label in host.split('.').filter(|label| !label.is_empty()) {
                data.push(u8::try_from(label.len()).unwrap());
                data.extend(label.as_bytes());
            }
            data.push(0);
            Some(data)
        }
        (Is::Address(address), A) => Some(address.to_vec()),
        _ => None,
    }
}
