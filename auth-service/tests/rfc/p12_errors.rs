//! Errors of the command line are said once, in one form.

use crate::support::Gateway;

#[tokio::test]
async fn p12_what_ends_the_program_is_said_once() {
    let gateway = Gateway::start();
    let file = gateway.path("servers.json");
    std::fs::remove_file(&file).unwrap();
    let said = gateway.cli(&["server", "list"]).unwrap_err();
    let expected = format!(
        "error: MCP_SERVERS_FILE: cannot read {}: No such file or directory (os error 2)\n",
        file.display()
    );
    assert_eq!(said, expected);
    std::fs::remove_file(gateway.path("key.pem")).unwrap();
    let said = gateway.cli(&["serve"]).unwrap_err();
    let last = said.lines().last().unwrap();
    assert!(last.starts_with("error: "), "{said}");
    assert_eq!(last.matches("No such file").count(), 1, "{said}");
}
