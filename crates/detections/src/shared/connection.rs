//! Connections over more than one slice. Long ones are logged again each interval: by the client's port their records are
//! joined, before anyone speaks of contacts.

use crate::behaviour::FlowView;
use crate::tally::Conversation;
use std::net::IpAddr;
use watchfire_model::Time;

const SYN: u8 = 2;
const FIN_OR_RST: u8 = 1 | 4;

/// A connection without packets for this long is over. AWS cuts records at ten minutes at the latest: twice that.
pub(crate) const IDLE_MS: i64 = 20 * Time::MINUTE_MS;

/// Whether this conversation goes on with one that had its last packet then.
pub(crate) fn continues(view: &FlowView<'_>, conversation: &Conversation, last: Time) -> bool {
    let is_soon = view.moment(conversation.first).ms() - last.ms() <= IDLE_MS;
    is_soon && view.exchanged(conversation).0.flags & SYN == 0
}

/// Whether the records show that it began here: where flags are logged, by its SYN.
pub(crate) fn begins(view: &FlowView<'_>, conversation: &Conversation) -> bool {
    let has_no_flags = !view.is_tcp() || view.tally.up.without_flags + view.tally.down.without_flags > 0;
    has_no_flags || view.exchanged(conversation).0.flags & SYN != 0
}

/// Whether one side ended it.
pub(crate) fn is_closed(conversation: &Conversation) -> bool {
    (conversation.up_flags | conversation.down_flags) & FIN_OR_RST != 0
}

/// Whether the remote address is of a service that AWS runs itself, where rhythm and long connections are everyday: any of its
/// ranges but those of EC2, where anyone may be.
pub(crate) fn is_to_aws_service(view: &FlowView<'_>, context: &crate::Context<'_>) -> bool {
    *view.found.is_aws_service.get_or_init(|| is_aws_service(view.remote(), context))
}

/// The same of an address.
pub(crate) fn is_aws_service(address: IpAddr, context: &crate::Context<'_>) -> bool {
    context.knowledge.cloud_ranges.lookup(address).is_some_and(|(_, service)| service != "EC2")
}
