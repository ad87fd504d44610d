//! One connection through a relay.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::network::{Link, Rules, delay, is_cut, is_swallowed};

/// The number of pieces that may be on the way in one direction. A sender that has more waits, as with TCP.
const ON_THE_WAY: usize = 64;

/// Carries the connection `near` until either side ends it, or the link is cut.
pub(super) async fn carry(near: TcpStream, link: Link, mut rules: Rules) {
    if is_cut(&rules.borrow(), link) {
        return;
    }
    let (up, down) = (rules.clone(), rules.clone());
    let carried = async move {
        let Ok(far) = TcpStream::connect(link.to.address()).await else { return };
        if near.set_nodelay(true).is_err() || far.set_nodelay(true).is_err() {
            return;
        }
        let ((from_near, to_near), (from_far, to_far)) = (near.into_split(), far.into_split());
        tokio::join!(pump(from_near, to_far, link, up), pump(from_far, to_near, link, down));
    };
    tokio::select! {
        () = carried => {}
        _ = rules.wait_for(|rules| is_cut(rules, link)) => {}
    }
}

/// Carries one direction.
async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, link: Link, mut rules: Rules) {
    let (sender, mut receiver) = mpsc::channel::<(Instant, Vec<u8>)>(ON_THE_WAY);
    let current = rules.clone();
    let read = async move {
        loop {
            let mut piece = vec![0; 16 * 1024];
            let Ok(count @ 1..) = from.read(&mut piece).await else { break };
            piece.truncate(count);
            let due = Instant::now() + delay(&current.borrow(), link);
            if sender.send((due, piece)).await.is_err() {
                break;
            }
        }
        // Only the writer knows when everything has been carried.
        drop(sender);
        std::future::pending::<()>().await;
    };
    let write = async move {
        while let Some((due, piece)) = receiver.recv().await {
            sleep_until(due).await;
            let carries = rules.wait_for(|rules| !is_swallowed(rules, link)).await.is_ok();
            if !carries || to.write_all(&piece).await.is_err() {
                return;
            }
        }
        // The end of the connection is swallowed, too.
        drop(rules.wait_for(|rules| !is_swallowed(rules, link)).await);
        let _ended = to.shutdown().await;
        // The last bytes reach the other side before the socket is dropped.
        tokio::time::sleep(Duration::from_millis(1)).await;
    };
    tokio::select! {
        () = read => {}
        () = write => {}
    }
}
