//! The reasons why a step of a person at the browser cannot be continued. Each has a page of its own.

/// The reason why a step of a person at the browser cannot be continued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepFault {
    /// The device no longer waits.
    #[error("the code of this device has expired; start again on the device")]
    DeviceExpired,
    /// The device has its answer.
    #[error("this code was already used; start again on the device")]
    DeviceUsed,
    /// The login at the provider took too long, or belongs to another browser.
    #[error("this login has expired or was started in another browser; start again")]
    LoginExpired,
    /// The form lacks a field, or its sealed state is not of this server.
    #[error(
        "this form is incomplete or was not made by this server; start again in your application"
    )]
    UnknownForm,
    /// A page of another site sent the form.
    #[error("this form was submitted by another site; start again in your application")]
    ForeignForm,
    /// The browser restored a tab that showed the result of a form.
    #[error("this page cannot be reopened; go back to your application and connect again")]
    Reopened,
    /// The page was opened as a frame, an image or the like.
    #[error("this page cannot be embedded; open it in a window of its own")]
    Embedded,
    /// A request to the login host arrived under the name of a server.
    #[error(
        "the proxy in front of this gateway forwards a wrong host name; its operator has to set Host or \
         X-Forwarded-Host to the name in the address bar"
    )]
    WrongHost,
}
