//! The client of FastMCP, a library for Python.

use std::fs;

use gateway_tests::stack::root;

use crate::{desk::Desk, model::TOOL, program::Program, run::run};

pub(crate) struct FastMcp;

impl Program for FastMcp {
    fn name(&self) -> &'static str {
        "FastMCP client"
    }

    fn version(&self) -> String {
        let list = fs::read_to_string(root().join("tests/clients/programs/requirements.txt"));
        let list = list.expect("the list of packages");
        let version = list.lines().find_map(|line| line.strip_prefix("fastmcp=="));
        version.and_then(|rest| rest.split(' ').next()).expect("a version").to_owned()
    }

    fn ca_variable(&self) -> &'static str {
        "SSL_CERT_FILE"
    }

    fn set_up(&self, desk: &Desk) {
        let script = include_str!("../clients/programs/fastmcp_client.py");
        fs::write(desk.path("work/client.py"), script).expect("written");
    }

    fn call(&self, desk: &Desk) -> String {
        let mut command = desk.command(root().join(".tools/client-fastmcp/bin/python"));
        command.args(["client.py", &desk.url, TOOL]).env("SSL_CERT_FILE", &desk.ca);
        run(&mut command)
    }
}
