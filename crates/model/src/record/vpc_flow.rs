//! One direction of traffic at one interface in one window, as VPC flow logs record it.

use crate::Time;
use std::borrow::Cow;
use std::net::IpAddr;

/// Packets one network interface saw, one way, between two endpoints, in one window.
///
/// A summary, not a connection: the other direction is another record, and a long conversation is several.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VpcFlow<'a> {
    /// `account-id`, or the account of the log's key where the format lacks it.
    pub account: Cow<'a, str>,
    /// `region`, or the region of the log's key.
    pub region: Cow<'a, str>,
    /// `interface-id`.
    pub interface_id: Cow<'a, str>,
    /// `instance-id`; empty when the format lacks it or the interface is not an instance's.
    pub instance_id: Cow<'a, str>,
    /// `vpc-id`.
    pub vpc_id: Cow<'a, str>,
    /// `subnet-id`.
    pub subnet_id: Cow<'a, str>,
    /// `srcaddr`; an interface's own side shows its primary private address.
    pub source: Option<IpAddr>,
    /// `dstaddr`.
    pub target: Option<IpAddr>,
    /// `pkt-srcaddr`: the packet's own source, before an intermediate hop such as a NAT gateway.
    pub packet_source: Option<IpAddr>,
    /// `pkt-dstaddr`.
    pub packet_target: Option<IpAddr>,
    /// `srcport`; 0 where the protocol has none.
    pub source_port: u16,
    /// `dstport`.
    pub target_port: u16,
    /// `protocol`, the IANA number: 6 is TCP.
    pub protocol: u8,
    /// `packets`.
    pub packet_count: u64,
    /// `bytes`.
    pub byte_count: u64,
    /// `start` of the window.
    pub start: Time,
    /// `end` of the window.
    pub end: Time,
    /// `action`: what security groups and network ACLs decided. An accepted packet may still have met a closed port.
    pub verdict: Option<Verdict>,
    /// `log-status`.
    pub status: LogStatus,
    /// `tcp-flags` OR-ed over the window: FIN 1, SYN 2, RST 4, SYN-ACK 18. `None` where the format lacks it.
    pub tcp_flags: Option<u8>,
    /// `flow-direction`, seen from the interface.
    pub direction: Option<Direction>,
    /// `traffic-path` of egress traffic, 1 to 8: the way out of the VPC.
    pub traffic_path: Option<u8>,
    /// `pkt-src-aws-service`: the AWS service of the packet's source address, where AWS says so.
    pub source_service: Cow<'a, str>,
    /// `pkt-dst-aws-service`.
    pub target_service: Cow<'a, str>,
}

/// What security groups and network ACLs decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Verdict {
    /// Let through.
    Accept,
    /// Dropped.
    Reject,
}

/// Whether the window had data.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash)]
pub enum LogStatus {
    /// Data.
    #[default]
    Ok,
    /// No traffic in the window.
    NoData,
    /// Records were skipped by AWS: traffic was there that no record shows.
    SkipData,
}

/// The direction of the packets as the interface saw them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Direction {
    /// Towards the interface.
    Ingress,
    /// From the interface.
    Egress,
}

impl VpcFlow<'_> {
    /// The packet's own source: `pkt-srcaddr` where given, else `srcaddr`.
    pub fn real_source(&self) -> Option<IpAddr> {
        self.packet_source.or(self.source)
    }

    /// The packet's own target: `pkt-dstaddr` where given, else `dstaddr`.
    pub fn real_target(&self) -> Option<IpAddr> {
        self.packet_target.or(self.target)
    }

    /// Whether the packets were dropped.
    pub fn is_rejected(&self) -> bool {
        self.verdict == Some(Verdict::Reject)
    }
}
