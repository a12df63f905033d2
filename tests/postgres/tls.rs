//! PostgreSQL over TLS: what `sslmode=verify-full` promises, against a real server. Only with the feature
//! `postgres-tls`: `script/tls`.

use std::io::Write;
use std::net::TcpListener;
use std::process::Stdio;

use rcgen::{CertificateParams, KeyPair};

use crate::support::postgres::{Cluster, as_postgres};
use crate::support::{Office, Shape};

impl Cluster {
    /// Restarts on a port of 127.0.0.1, with a certificate and its key; returns the port. [`Self::url`] then no longer
    /// gives the socket.
    fn speak_tls(&self, certificate: &str, key: &str) -> u16 {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let data = self.folder.join("data");
        let settings = format!("ssl = on\nlisten_addresses = '127.0.0.1'\nport = {port}\n");
        for (name, text) in [("server.crt", certificate), ("server.key", key), ("tls", &settings)] {
            // Written by the user who must own them.
            let mut shell = as_postgres("sh");
            shell.args(["-c", "umask 077; cat >\"$1\"", "write"]).arg(data.join(name)).stdin(Stdio::piped());
            let mut child = shell.spawn().unwrap();
            child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
            assert!(child.wait().unwrap().success());
        }
        let mut include = as_postgres("sh");
        include.args(["-c", "echo \"include 'tls'\" >>\"$1\"", "include"]).arg(data.join("postgresql.conf"));
        assert!(include.status().unwrap().success());
        self.restart();
        port
    }
}

/// A self-signed certificate for a name, and its key, both in PEM.
fn certificate(name: &str) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([name.to_owned()]).unwrap().self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem())
}

#[test]
fn a_night_by_verify_full_is_encrypted_and_a_wrong_server_is_refused_with_its_remedy() {
    let office = Office::new(Shape { permits: 60, seats: true });
    let folder = tempfile::tempdir().unwrap();
    let keep = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file.display().to_string()
    };
    let (mine, key) = certificate("localhost");
    let (other, _) = certificate("localhost");
    let (mine_file, other_file) = (keep("mine.pem", &mine), keep("other.pem", &other));
    let cluster = Cluster::start();
    let port = cluster.speak_tls(&mine, &key);
    let url = |host: &str, root: &str| {
        format!("postgres://postgres@{host}:{port}/postgres?sslmode=verify-full&sslrootcert={root}")
    };
    let shown = |args: &[&str], url: &str| {
        let output = office.command(args).env("CONVOKE__DATABASE__URL", url).output().unwrap();
        let text = [output.stdout.clone(), output.stderr.clone()].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    };

    let right = url("localhost", &mine_file);
    assert_eq!(shown(&["migrate"], &right).0, Some(0));
    let (_, doctor) = shown(&["doctor"], &right);
    assert!(doctor.contains("encrypted"), "{doctor}");
    let (code, run) = shown(&["run", "--yes", "--reason", "a night", "--json"], &right);
    assert_eq!(code, Some(0), "{run}");

    // Another server's certificate, a name that it does not have, and no encryption at all.
    let (code, said) = shown(&["doctor"], &url("localhost", &other_file));
    assert!(code == Some(1) && said.contains("certificate"), "{said}");
    let (code, said) = shown(&["doctor"], &url("127.0.0.1", &mine_file));
    assert!(code == Some(1) && said.contains("does not match host name"), "{said}");
    let (code, said) = shown(&["doctor"], &format!("postgres://postgres@db.example.org:{port}/postgres"));
    assert!(code == Some(1) && said.contains("in clear"), "{said}");
}
