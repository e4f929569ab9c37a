// Where packets come up from the programs in the kernel: a TAP device out of which they redirect, with a
// header in front of each (struct UpcallHeader).
//
// The device is made with the datapath and goes with the process.  It has no address, and what the host
// itself might send out of it lacks the header's magic and is ignored.

#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "datapath/ebpf/kernel.h"
#include "datapath/netdev/links.h"
#include "datapath/userspace/executor.h"
#include "datapath/userspace/tap_device.h"
#include "net/loop.h"

namespace weft::datapath::ebpf {

// A packet that has come up, with the metadata of its key.
struct HandedUp {
    Work work;
    uint32_t list = 0, at = 0;  // where it goes on (FlowOffload::place()); list 0: it is looked up
};

class UpcallDevice {
  public:
    static constexpr const char* kName = "weft-upcall";
    using Receiver = std::function<void(std::vector<HandedUp>&)>;

    // Tells the programs of the device.  `kernel` must outlive it.
    static Result<std::unique_ptr<UpcallDevice>> create(net::Loop& loop, Links& links, Kernel& kernel,
                                                        Receiver receiver);
    ~UpcallDevice();

    // Many packets that no flow is there for are to come at once, of ports that do no wrong: for a second or
    // two ports may have more of them under way.
    void expect_many();
    // What is there now, for tests that do not run the loop.
    void read();

  private:
    UpcallDevice(Kernel& kernel, Receiver receiver) : kernel_(kernel), receiver_(std::move(receiver)) {}
    bool take(size_t length);
    void forget_lost();

    Kernel& kernel_;
    Receiver receiver_;
    Descriptor tap_;
    std::unique_ptr<net::Loop::Watch> watch_;
    std::unique_ptr<net::Loop::Timer> timer_;
    std::vector<uint8_t> frame_;
    std::vector<HandedUp> batch_;
    std::vector<uint32_t> sent_before_;  // by port, when looked at last
    bool heard_ = false;                 // since then
    int wide_ = 0;                       // looks until ports are held to the usual window again
};

}  // namespace weft::datapath::ebpf
