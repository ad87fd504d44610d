//! The pages in a real browser.

use std::process::Command;

use gateway_tests::stack::{Stack, root};

use crate::Scenario;

pub const SCENARIOS: &[Scenario] = &[("the_pages_work_in_chromium", the_pages)];

fn the_pages(stack: &Stack) {
    let names = ["ann", "bob", "eve", "kim", "lea", "max", "nia", "oli", "pam", "root", "ben"];
    let codes = names.map(|name| stack.login_code(name)).join(",");
    let output = Command::new("node")
        .arg(root().join("tests/pages/pages.mjs"))
        .env("ISSUER", stack.issuer())
        .env("RESOURCE", stack.url("everything"))
        .env("CERTIFICATE", stack.path("cert.pem"))
        .env("LOGIN_CODES", codes)
        .env("NODE_EXTRA_CA_CERTS", stack.ca())
        .output()
        .expect("Node.js runs");
    let (text, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    println!("{text}");
    assert!(output.status.success(), "{errors}");
    assert!(text.lines().filter(|line| line.starts_with("ok ")).count() >= 25, "{text}");
}
