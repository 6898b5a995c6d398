//! A shop in a temporary folder with a large file of customers.

use std::fs::{self, File};
use std::io::{BufWriter, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::bail;
use tempfile::TempDir;

const SETTINGS: &str = "[[source]]\nname = \"customers\"\nkind = \"csv\"\n\
    path = \"../customers.csv\"\nfeeds = \"customers\"\n\
    [store]\nurl = \"sqlite:../fondly.db\"\n";
/// Between two looks at how much memory a process has had; the system keeps the most by itself.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// One in so many customers is changed.
const CHANGED: u32 = 100;

/// What the file looks like.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// As a till knows its customers, in the order in which they came.
    Till,
    /// As a web shop knows them: ids without any order, and a second date.
    Web,
}

impl Shape {
    pub(crate) const ALL: [Self; 2] = [Self::Till, Self::Web];

    pub(crate) const fn told(self) -> &'static str {
        match self {
            Self::Till => "a till: six columns, numbers in order, one date",
            Self::Web => "a web shop: nine columns, ids without any order, two dates",
        }
    }

    const fn header(self) -> &'static str {
        match self {
            Self::Till => "id,email,first_name,last_name,language,birthday",
            Self::Web => {
                "id,email,first_name,last_name,language,timezone,birthday,joined_on,consent"
            }
        }
    }

    fn row(self, n: u32, name: &str) -> String {
        // Any odd number leads through all of them, and by this one neighbours come far apart.
        let far = u64::from(n).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let (year, month, day) = (1940 + far % 65, 1 + (far >> 20) % 12, 1 + (far >> 30) % 28);
        let born = format!("{year}-{month:02}-{day:02}");
        match self {
            Self::Till => format!("c{n},ann{n}@customer.example,{name} {n},Smith,en,{born}"),
            Self::Web => {
                let joined = format!("20{}-{day:02}-{month:02}", 10 + far % 15);
                let joined = if day > 12 {
                    format!("2019-{month:02}-{day:02}")
                } else {
                    joined
                };
                format!(
                    "{far:016x},ann{:x}@customer.example,{name} {n},Smith,en,Europe/London,{born},\
                     {joined},yes",
                    far.rotate_left(32)
                )
            }
        }
    }
}

/// A shop; its folder goes with it.
#[derive(Debug)]
pub(crate) struct Shop {
    folder: TempDir,
}

/// One run of the program.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) seconds: f64,
    pub(crate) peak_mib: f64,
}

impl Shop {
    /// With so many customers in its file.
    pub(crate) fn with(shape: Shape, customers: u32) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("fondly-bench-").tempdir()?;
        let shop = Self { folder };
        let config = shop.path("config");
        let made = Command::new(env!("CARGO_BIN_EXE_fondly"))
            .arg("init")
            .arg(&config)
            .output()?;
        if !made.status.success() {
            bail!("fondly init: {}", String::from_utf8_lossy(&made.stderr));
        }
        fs::write(config.join("local.toml"), SETTINGS)?;
        shop.lay(shape, customers, u32::MAX)?;
        Ok(shop)
    }

    /// Changes one in a hundred of them.
    pub(crate) fn change_some(&self, shape: Shape, customers: u32) -> anyhow::Result<()> {
        self.lay(shape, customers, CHANGED)
    }

    fn lay(&self, shape: Shape, customers: u32, changed: u32) -> anyhow::Result<()> {
        let mut file = BufWriter::new(File::create(self.path("customers.csv"))?);
        writeln!(file, "{}", shape.header())?;
        for n in 0..customers {
            let name = if n % changed == changed - 1 {
                "Bea"
            } else {
                "Ann"
            };
            writeln!(file, "{}", shape.row(n, name))?;
        }
        file.flush()?;
        Ok(())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Reads the file once.
    pub(crate) fn sync(&self) -> anyhow::Result<Run> {
        let begun = Instant::now();
        let mut process = Command::new(env!("CARGO_BIN_EXE_fondly"))
            .arg("--config")
            .arg(self.path("config/fondly.toml"))
            .arg("sync")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .env_remove("FONDLY_LOG")
            .spawn()?;
        let mut peak = 0.0_f64;
        let ended = loop {
            let status = fs::read_to_string(format!("/proc/{}/status", process.id()));
            peak = peak.max(peak_mib(&status.unwrap_or_default()));
            if let Some(ended) = process.try_wait()? {
                break ended;
            }
            std::thread::park_timeout(LOOK_AGAIN);
        };
        let seconds = begun.elapsed().as_secs_f64();
        if !ended.success() {
            let mut words = String::new();
            if let Some(mut stderr) = process.stderr.take() {
                stderr.read_to_string(&mut words)?;
            }
            bail!("fondly sync: {words}");
        }
        Ok(Run {
            seconds,
            peak_mib: peak,
        })
    }
}

/// The most memory that a process has held, by its `status`; 0 once it has ended.
fn peak_mib(status: &str) -> f64 {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    kib.and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}
