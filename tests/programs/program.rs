//! The interface of all programs, as a person sees them.

use crate::desk::Desk;

/// A program that people use.
pub(crate) trait Program: Sync {
    /// Its name.
    fn name(&self) -> &'static str;

    /// The package it comes in, and its version.
    fn version(&self) -> String;

    /// The variable that makes it trust a CA.
    fn ca_variable(&self) -> &'static str {
        "NODE_EXTRA_CA_CERTS"
    }

    /// Tries a way that does not work. Returns what the program says about it.
    fn refusal(&self, _desk: &Desk) -> Option<String> {
        None
    }

    /// Adds the server, as its manual says.
    fn set_up(&self, desk: &Desk);

    /// Logs in, by the command that it has for this. Programs without one log in at the first call.
    fn log_in(&self, desk: &Desk) -> String {
        self.call(desk)
    }

    /// Makes the program call the tool. Returns what it shows.
    fn call(&self, desk: &Desk) -> String;

    /// Asks the program for the state of its servers, if it has a command for this.
    fn status(&self, _desk: &Desk) -> Option<String> {
        None
    }
}
