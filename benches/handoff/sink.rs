//! Postfix's `smtp-sink`, which takes every letter, and where its tools are.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

/// Where Postfix keeps its tools; they aren't on everybody's path.
const TOOLS: &[&str] = &["/usr/sbin", "/usr/local/sbin", "/usr/libexec/postfix"];

/// Postfix's mail sink on a port of its own; ends with us.
#[derive(Debug)]
pub(crate) struct Sink {
    pub(crate) port: u16,
    child: Child,
}

impl Drop for Sink {
    fn drop(&mut self) {
        // It may have ended already, which is as good.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

impl Sink {
    pub(crate) fn start() -> anyhow::Result<Self> {
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let address = format!("127.0.0.1:{port}");
        let mut command = tool("smtp-sink")?;
        // As root it insists on being told whose rights to take.
        if is_root()? {
            command.args(["-u", "nobody"]);
        }
        let child = command.args([address.as_str(), "1000"]).spawn()?;
        let sink = Self { port, child };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if begun.elapsed() > Duration::from_secs(10) {
                bail!("smtp-sink doesn't answer");
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
        Ok(sink)
    }
}

/// A tool of Postfix's, not yet started.
pub(crate) fn tool(name: &str) -> anyhow::Result<Command> {
    let mut places = TOOLS
        .iter()
        .map(|folder| std::path::Path::new(folder).join(name));
    let place = places
        .find(|place| place.exists())
        .with_context(|| format!("{name} isn't there; it comes with Postfix"))?;
    let mut command = Command::new(place);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    Ok(command)
}

fn is_root() -> anyhow::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    Ok(std::fs::metadata("/proc/self")?.uid() == 0)
}
