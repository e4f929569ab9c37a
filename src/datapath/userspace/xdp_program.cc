#include "datapath/userspace/xdp_program.h"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <linux/bpf.h>
#include <linux/if_link.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

namespace weft::datapath {

namespace {

bpf_insn instruction(int code, int dst, int src, int offset, int value) {
    bpf_insn out = {};
    out.code = static_cast<uint8_t>(code);
    out.dst_reg = static_cast<uint8_t>(dst) & 15;
    out.src_reg = static_cast<uint8_t>(src) & 15;
    out.off = static_cast<int16_t>(offset);
    out.imm = value;
    return out;
}

// return bpf_redirect_map(sockets, ctx->rx_queue_index, XDP_PASS);
int load_program(int sockets) {
    const bpf_insn code[] = {
        instruction(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_2, BPF_REG_1, offsetof(xdp_md, rx_queue_index), 0),
        instruction(BPF_LD | BPF_IMM | BPF_DW, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, sockets),
        instruction(0, 0, 0, 0, 0),  // the upper half of that number
        instruction(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_3, 0, 0, XDP_PASS),
        instruction(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_redirect_map),
        instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
    };
    return bpf_prog_load(BPF_PROG_TYPE_XDP, "weft_afxdp", "Dual MIT/GPL", code, std::size(code), nullptr);
}

}  // namespace

Result<XdpProgram> XdpProgram::attach(int ifindex, At at, uint32_t queues) {
    XdpProgram out;
    out.sockets_ = Descriptor(bpf_map_create(BPF_MAP_TYPE_XSKMAP, "weft_sockets", 4, 4, queues, nullptr));
    if (!out.sockets_.open()) return Error{fmt::format("a map of AF_XDP sockets: {}", std::strerror(errno))};
    out.program_ = Descriptor(load_program(out.sockets_.get()));
    if (!out.program_.open()) return Error{fmt::format("loading an XDP program: {}", std::strerror(errno))};
    LIBBPF_OPTS(bpf_link_create_opts, options);
    options.flags = at == At::kDriver ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
    out.link_ = Descriptor(bpf_link_create(out.program_.get(), ifindex, BPF_XDP, &options));
    if (!out.link_.open()) {
        return Error{fmt::format(
            "{} XDP program: {}", at == At::kDriver ? "the driver's" : "the generic",
            errno == EBUSY || errno == EEXIST ? "the device has another one already" : std::strerror(errno))};
    }
    return out;
}

Result<void> XdpProgram::set_socket(uint32_t queue, int fd) {
    if (bpf_map_update_elem(sockets_.get(), &queue, &fd, BPF_ANY) == 0) return {};
    return Error{fmt::format("queue {}: {}", queue, std::strerror(errno))};
}

}  // namespace weft::datapath
