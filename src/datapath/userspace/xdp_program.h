// The program at a device that hands the frames of each queue to its AF_XDP socket.
//
// It goes when the process ends (a BPF link).  A queue without a socket is the host's.

#pragma once

#include "base/descriptor.h"
#include "base/result.h"

namespace weft::datapath {

class XdpProgram {
  public:
    enum class At : uint8_t { kDriver, kGeneric };  // before, or after, the kernel makes a packet of a frame

    // Errors: the kernel or driver refuses it, or a program is there already.
    static Result<XdpProgram> attach(int ifindex, At at, uint32_t queues);
    Result<void> set_socket(uint32_t queue, int fd);

  private:
    Descriptor sockets_, program_, link_;
};

}  // namespace weft::datapath
