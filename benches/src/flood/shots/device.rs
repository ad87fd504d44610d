//! The device grant (RFC 8628).

use super::client::DEVICE_CODE;
use super::{Vector, authorize::keep_page, junk};
use crate::flood::kit::{Device, Kit};
use crate::flood::shot::{Answer, Shot, encoded};

/// The requests.
pub const VECTORS: &[Vector] = &[
    Vector::new("POST /device_authorization", begin).expecting(200).learning(keep),
    Vector::new("POST /token, a device that waits", poll).expecting(400),
    Vector::new("GET /device, the code of a device", open).expecting(200).learning(keep_page),
    Vector::new("GET /device, a junk code", |_, number| {
        Shot::get(format!("/device?user_code={}", junk(number, 8).to_uppercase()))
    })
    .expecting(400),
];

fn begin(kit: &Kit, number: u64) -> Shot {
    let client = kit.clients.look(number).map_or_else(|| junk(number, 22), |client| client.id);
    Shot::form("/device_authorization", &[("client_id", &client), ("resource", kit.server())])
}

fn keep(kit: &Kit, shot: &Shot, answer: &Answer) {
    let sent = url::form_urlencoded::parse(shot.sent().as_bytes()).into_owned();
    let client = sent.into_iter().find(|(name, _)| name == "client_id");
    let codes = (client, answer.member("device_code"), answer.member("user_code"));
    if let (Some((_, client)), Some(code), Some(shown)) = codes {
        kit.devices.put(Device { client, code, shown });
    }
}

fn poll(kit: &Kit, number: u64) -> Shot {
    let absent =
        || Device { client: junk(number, 22), code: junk(number, 43), shown: String::new() };
    let device = kit.devices.look(number).unwrap_or_else(absent);
    let pairs = [
        ("grant_type", DEVICE_CODE),
        ("client_id", device.client.as_str()),
        ("device_code", device.code.as_str()),
    ];
    Shot::form("/token", &pairs)
}

fn open(kit: &Kit, number: u64) -> Shot {
    let shown = kit.devices.look(number).map_or_else(|| junk(number, 8), |device| device.shown);
    Shot::get(format!("/device?{}", encoded(&[("user_code", &shown)])))
}
