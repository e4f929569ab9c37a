// The port program run on a packet without a device that it arrives by (BPF_PROG_TEST_RUN).
//
// Of what the program does, copies of the packet really leave, by the devices that it sends them out of; what
// it redirects last is handed back, but for a tag that the kernel keeps beside the packet: of that it says
// nothing.

#pragma once

#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <linux/pkt_cls.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>

#include "base/bytes.h"
#include "base/descriptor.h"
#include "datapath/netdev/tc_filter.h"

namespace weft::datapath {

class ProgramRun {
  public:
    // Takes the program off the device's ingress.
    explicit ProgramRun(const char* device) : ifindex_(if_nametoindex(device)) {
        auto hook = TcFilter::Hook::kIngress;
        auto id = TcFilter::program_id(static_cast<int>(ifindex_), hook);
        if (id) program_ = Descriptor(bpf_prog_get_fd_by_id(*id));
        TcFilter::adopt(static_cast<int>(ifindex_), hook).remove();
    }
    bool ok() const { return program_.get() >= 0; }

    // As if the device had received it: what the program has redirected as its last act; nullopt: nothing.
    std::optional<Bytes> run(ByteView packet) {
        Bytes out(packet.size() + 512);
        __sk_buff context = {};
        context.ifindex = ifindex_;
        bpf_test_run_opts options = {};
        options.sz = sizeof options;
        options.data_in = packet.data();
        options.data_size_in = static_cast<uint32_t>(packet.size());
        options.data_out = out.data();
        options.data_size_out = static_cast<uint32_t>(out.size());
        options.ctx_in = options.ctx_out = &context;
        options.ctx_size_in = options.ctx_size_out = sizeof context;
        options.repeat = 1;
        int failed = bpf_prog_test_run_opts(program_.get(), &options);
        EXPECT_EQ(failed, 0);
        if (failed || options.retval != TC_ACT_REDIRECT) return std::nullopt;
        out.resize(options.data_size_out);
        return out;
    }

    // Sends a frame out of a device.
    static void send(const char* device, ByteView frame) {
        Descriptor any(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
        sockaddr_ll to = {};
        to.sll_family = AF_PACKET;
        to.sll_ifindex = static_cast<int>(if_nametoindex(device));
        EXPECT_EQ(
            sendto(any.get(), frame.data(), frame.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof to),
            static_cast<ssize_t>(frame.size()));
    }

  private:
    uint32_t ifindex_;
    Descriptor program_;
};

}  // namespace weft::datapath
