#include "datapath/netdev/ingress_block.h"

#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace weft::datapath {

namespace {

// The program `return TC_ACT_SHOT`, loaded once.
int drop_program() {
    static const int fd = [] {
        bpf_insn code[2] = {};
        code[0].code = BPF_ALU64 | BPF_MOV | BPF_K;
        code[0].dst_reg = BPF_REG_0;
        code[0].imm = TC_ACT_SHOT;
        code[1].code = BPF_JMP | BPF_EXIT;
        static const char kLicense[] = "Dual MIT/GPL";
        bpf_attr attributes;
        std::memset(&attributes, 0, sizeof attributes);
        attributes.prog_type = BPF_PROG_TYPE_SCHED_CLS;
        attributes.insns = reinterpret_cast<uintptr_t>(code);
        attributes.insn_cnt = 2;
        attributes.license = reinterpret_cast<uintptr_t>(kLicense);
        return static_cast<int>(syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes));
    }();
    return fd;
}

}  // namespace

Result<TcFilter> install_ingress_block(int ifindex, const std::string& device) {
    int program = drop_program();
    if (program < 0) return Error{device + ": loading a filter program: " + std::strerror(errno)};
    return TcFilter::install(ifindex, device, TcFilter::Hook::kIngress, program, "weft_port");
}

}  // namespace weft::datapath
