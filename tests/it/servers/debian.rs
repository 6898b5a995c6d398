//! Postfix and Dovecot as Debian packs them, each started on free ports with a configuration of its
//! own in a temporary folder; the machine's own stays as it is.
//!
//! Postfix takes letters for `customer.example` and `xn--mller-kva.example` into a folder, so that
//! what arrived can be counted. Dovecot's submission service hands on to Postfix, and lets people
//! log in at both. Needs root, because both change their users.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use mail_parser::MessageParser;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use tempfile::TempDir;

use crate::shop::{files, until};

/// `nobody`, whose rights take what arrives.
const NOBODY: u32 = 65_534;
/// The programs without which nothing here can be tried.
const PROGRAMS: &[&str] = &["/usr/sbin/postfix", "/usr/sbin/dovecot"];
/// Dovecot's submission service is a package of its own.
const SUBMISSION: &str = "/usr/lib/dovecot/submission-login";
/// What every account is opened with.
pub(crate) const PASSWORD: &str = "tulip-17";

/// Postfix's services, besides those with ports of their own.
const SERVICES: &str = "\
    pickup unix n - n 60 1 pickup\n\
    cleanup unix n - n - 0 cleanup\n\
    qmgr unix n - n 300 1 qmgr\n\
    rewrite unix - - n - - trivial-rewrite\n\
    bounce unix - - n - 0 bounce\n\
    defer unix - - n - 0 bounce\n\
    trace unix - - n - 0 bounce\n\
    tlsmgr unix - - n 1000? 1 tlsmgr\n\
    anvil unix - - n - 1 anvil\n\
    proxymap unix - - n - - proxymap\n\
    error unix - - n - - error\n\
    retry unix - - n - - error\n\
    virtual unix - n n - - virtual\n\
    postlog unix-dgram n - n - 1 postlogd\n\
    showq unix n - n - - showq\n";

/// Both servers, ended with the test.
pub(crate) struct Servers {
    // Ended before its folder goes.
    running: Vec<Running>,
    dir: TempDir,
    ports: BTreeMap<&'static str, u16>,
}

/// One of them and what it started.
struct Running {
    child: Child,
    /// Where the one that has to be told to end notes its number.
    pid_file: PathBuf,
}

impl Drop for Running {
    fn drop(&mut self) {
        // Postfix's master leads a group of its own, and ends those that it started. Who came to no
        // number has started nobody.
        let noted = fs::read_to_string(&self.pid_file).unwrap_or_default();
        let pid = match noted.trim() {
            "" => self.child.id().to_string(),
            noted => noted.to_owned(),
        };
        drop(Command::new("kill").args(["-TERM", &pid]).status());
        drop(self.child.wait());
    }
}

impl Servers {
    /// None where they can't be started, which must not happen in CI. `postfix` are ports of
    /// Postfix's, each with settings of its own; `more` is for all of them. Of tokens, Dovecot
    /// asks at the port `tokens`.
    pub(crate) async fn start(
        postfix: &[(&'static str, String)],
        (more, tokens): (&str, u16),
    ) -> Option<Self> {
        let missing = PROGRAMS
            .iter()
            .chain([&SUBMISSION])
            .find(|path| !Path::new(path).exists());
        let uid = std::os::unix::fs::MetadataExt::uid(&fs::metadata("/proc/self").unwrap());
        #[expect(
            clippy::disallowed_methods,
            reason = "only CI must have everything installed"
        )]
        let in_ci = std::env::var("CI").is_ok_and(|value| value == "true");
        if uid != 0 || missing.is_some() {
            assert!(!in_ci, "as user {uid}, without {missing:?}");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        // Their own users have to reach it.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let mut servers = Self {
            running: Vec::new(),
            dir,
            ports: BTreeMap::new(),
        };
        let names = postfix.iter().map(|(name, _)| *name);
        let listeners: Vec<_> = names
            .chain(["dovecot-starttls", "dovecot-tls"])
            .map(|name| (name, TcpListener::bind("127.0.0.1:0").unwrap()))
            .collect();
        for (name, listener) in listeners {
            let port = listener.local_addr().unwrap().port();
            servers.ports.insert(name, port);
        }
        servers.certificates();
        servers.write(
            "postfix/access",
            "full@customer.example 552 5.2.2 mailbox full\n",
        );
        servers.asks_about_tokens(tokens);
        servers.postfix(postfix, more);
        servers.dovecot(postfix[0].0);
        let ports: Vec<u16> = servers.ports.values().copied().collect();
        for port in ports {
            let answers = || std::net::TcpStream::connect(("127.0.0.1", port)).ok();
            drop(until("server", answers).await);
        }
        Some(servers)
    }

    pub(crate) fn port(&self, name: &str) -> u16 {
        self.ports[name]
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn shown(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A folder that belongs to this user.
    fn folder(&self, name: &str, user: Option<u32>) {
        fs::create_dir_all(self.path(name)).unwrap();
        chown(self.path(name), user, None).unwrap();
    }

    /// `ca.pem`, and from it `good.pem`, `expired.pem` and `other.pem` with their keys.
    fn certificates(&self) {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let name = &mut params.distinguished_name;
        name.push(DnType::CommonName, "Thorn & Rose's own authority");
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        self.write("ca.pem", &ca.pem());
        let here = ["127.0.0.1", "localhost"];
        for (file, names, ends) in [
            ("good", &here[..], 4_000),
            ("expired", &here[..], 2_021),
            ("other", &["mail.other.example"][..], 4_000),
        ] {
            let names = names.iter().map(|name| (*name).to_owned());
            let mut params = CertificateParams::new(names.collect::<Vec<_>>()).unwrap();
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(ends, 1, 1);
            let key = KeyPair::generate().unwrap();
            let leaf = params.signed_by(&key, &ca).unwrap();
            let (key, leaf) = (key.serialize_pem(), leaf.pem());
            self.write(&format!("{file}.pem"), &format!("{key}{leaf}"));
        }
    }

    fn postfix(&mut self, ports: &[(&'static str, String)], more: &str) {
        let dir = self.dir.path().display();
        let main = format!(
            "compatibility_level = 3.6\n\
             queue_directory = {dir}/queue\n\
             data_directory = {dir}/data\n\
             daemon_directory = /usr/lib/postfix/sbin\n\
             command_directory = /usr/sbin\n\
             mail_owner = postfix\n\
             setgid_group = postdrop\n\
             maillog_file_prefixes = {dir}\n\
             maillog_file = {dir}/log/postfix\n\
             myhostname = mx.example\n\
             mydestination =\n\
             mynetworks = 127.0.0.0/8\n\
             inet_interfaces = 127.0.0.1\n\
             inet_protocols = ipv4\n\
             alias_maps =\n\
             smtputf8_enable = yes\n\
             virtual_mailbox_domains = customer.example, xn--mller-kva.example\n\
             virtual_mailbox_base = {dir}/mail\n\
             virtual_mailbox_maps = texthash:{dir}/postfix/mailboxes\n\
             virtual_uid_maps = static:{NOBODY}\n\
             virtual_gid_maps = static:{NOBODY}\n\
             smtpd_recipient_restrictions = \
             check_recipient_access texthash:{dir}/postfix/access\n\
             smtpd_error_sleep_time = 0\n\
             smtpd_sasl_type = dovecot\n\
             smtpd_sasl_path = {dir}/auth\n\
             smtpd_tls_auth_only = yes\n\
             smtpd_tls_chain_files = {dir}/good.pem\n\
             {more}\n"
        );
        self.write("postfix/main.cf", &main);
        let mut master = String::new();
        for (name, options) in ports {
            let port = self.port(name);
            let options = options.replace("CERTIFICATES", &dir.to_string());
            writeln!(master, "127.0.0.1:{port} inet n - n - - smtpd {options}").unwrap();
        }
        self.write("postfix/master.cf", &format!("{master}{SERVICES}"));
        let mut mailboxes = String::from("dörte@customer.example all/\n");
        mailboxes.push_str("anna@xn--mller-kva.example all/\nfull@customer.example all/\n");
        for n in 0..100 {
            writeln!(mailboxes, "c{n}@customer.example all/").unwrap();
        }
        self.write("postfix/mailboxes", &mailboxes);
        self.folder("queue", None);
        self.folder("data", Some(owner_of("/var/lib/postfix")));
        self.folder("mail", Some(NOBODY));
        self.folder("log", None);
        let config = self.shown("postfix");
        let words = ["/usr/sbin/postfix", "-c", &config, "start-fg"];
        self.run(&words, "queue/pid/master.pid");
    }

    fn dovecot(&mut self, next: &str) {
        let dir = self.dir.path().display();
        let (starttls, tls) = (self.port("dovecot-starttls"), self.port("dovecot-tls"));
        let config = format!(
            "base_dir = {dir}/run\n\
             state_dir = {dir}/state\n\
             log_path = {dir}/log/dovecot\n\
             protocols = submission\n\
             listen = 127.0.0.1\n\
             hostname = mx.example\n\
             ssl = required\n\
             ssl_cert = <{dir}/good.pem\n\
             ssl_key = <{dir}/good.pem\n\
             auth_mechanisms = plain login xoauth2\n\
             auth_failure_delay = 0\n\
             passdb {{\n  driver = oauth2\n  mechanisms = xoauth2\n  args = {dir}/oauth2\n}}\n\
             passdb {{\n  driver = passwd-file\n  mechanisms = plain login\n  args = {dir}/users\n}}\n\
             userdb {{\n  driver = static\n  \
             args = uid={NOBODY} gid={NOBODY} home={dir}/home\n}}\n\
             first_valid_uid = 1\n\
             mail_location = maildir:~/mail\n\
             submission_relay_host = 127.0.0.1\n\
             submission_relay_port = {}\n\
             service auth {{\n  unix_listener {dir}/auth {{\n    mode = 0666\n  }}\n}}\n\
             service submission-login {{\n  \
             inet_listener submission {{\n    port = {starttls}\n  }}\n  \
             inet_listener submissions {{\n    port = {tls}\n    ssl = yes\n  }}\n}}\n",
            self.port(next)
        );
        self.write("dovecot.conf", &config);
        self.write("users", &format!("care:{{PLAIN}}{PASSWORD}\n"));
        for name in ["run", "state"] {
            self.folder(name, None);
        }
        self.folder("home", Some(NOBODY));
        let config = self.shown("dovecot.conf");
        let words = ["/usr/sbin/dovecot", "-F", "-c", &config];
        self.run(&words, "run/master.pid");
    }

    /// Whom Dovecot asks about tokens.
    fn asks_about_tokens(&self, port: u16) {
        self.write(
            "oauth2",
            &format!(
                "tokeninfo_url = http://127.0.0.1:{port}/?token=\nusername_attribute = username\n"
            ),
        );
    }

    fn run(&mut self, words: &[&str], pid_file: &str) {
        let said = fs::File::create(self.path("log/said")).unwrap();
        let child = Command::new(words[0])
            .args(&words[1..])
            .stdin(Stdio::null())
            .stdout(said.try_clone().unwrap())
            .stderr(said)
            .process_group(0)
            .spawn()
            .unwrap();
        let pid_file = self.path(pid_file);
        self.running.push(Running { child, pid_file });
    }

    /// The Message-IDs of what arrived, once there are so many letters and Postfix has none left.
    pub(crate) async fn arrived(&self, many: usize) -> Vec<String> {
        let folders = ["incoming", "active", "deferred", "maildrop"];
        let look = || {
            let queued = folders
                .iter()
                .any(|queue| holds_a_file(&self.path(&format!("queue/{queue}"))));
            let letters = files(&self.path("mail/all/new"));
            (!queued && letters.len() >= many).then_some(letters)
        };
        let letters = until("letters in the mailbox", look).await;
        let id = |letter: &Vec<u8>| {
            let message = MessageParser::default().parse(letter).unwrap();
            message.message_id().unwrap().to_owned()
        };
        let mut ids: Vec<String> = letters.values().map(id).collect();
        ids.sort();
        ids
    }
}

/// Folders within are looked through.
fn holds_a_file(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => holds_a_file(&entry.path()),
        // It may have gone meanwhile; then the next look tells.
        _ => true,
    })
}

fn owner_of(path: &str) -> u32 {
    std::os::unix::fs::MetadataExt::uid(&fs::metadata(path).unwrap())
}
