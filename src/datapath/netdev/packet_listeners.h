// Whether anybody reads packets off a device: another program's packet socket (packet(7)), bound to it or to
// all devices, as the kernel's sock_diag(7) lists them.
//
// A socket that is bound to protocol 0 receives nothing and does not count, so our own sending sockets do
// not.

#pragma once

namespace weft::datapath {

// Costs a few microseconds for a handful of sockets.  True if the kernel will not tell.
bool has_packet_listeners(int ifindex);

}  // namespace weft::datapath
