//! The audit events of whole flows, over HTTP and the command line.
