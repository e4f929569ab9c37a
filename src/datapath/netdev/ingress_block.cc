#include "datapath/netdev/ingress_block.h"

#include <libmnl/libmnl.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "datapath/netdev/rtnetlink.h"

namespace weft::datapath {

namespace {

constexpr uint32_t kPriority = 0x7e57;  // late: filters of others go first
constexpr uint32_t kHandle = 1;
constexpr uint16_t kAllProtocols = 0x0003;  // ETH_P_ALL

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

tcmsg* put_header(nlmsghdr* message, int ifindex, uint32_t parent, uint32_t handle, uint32_t info) {
    auto* tc = static_cast<tcmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(tcmsg)));
    tc->tcm_family = AF_UNSPEC;
    tc->tcm_ifindex = ifindex;
    tc->tcm_parent = parent;
    tc->tcm_handle = handle;
    tc->tcm_info = info;
    return tc;
}

constexpr uint32_t kFilterInfo = kPriority << 16 | static_cast<uint32_t>(__builtin_bswap16(kAllProtocols));
constexpr uint32_t kIngressParent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS);

}  // namespace

Result<IngressBlock> IngressBlock::install(int ifindex, const std::string& device) {
    int program = drop_program();
    if (program < 0) return Error{device + ": loading a filter program: " + std::strerror(errno)};
    IngressBlock block;
    block.ifindex_ = ifindex;
    int error = 0;
    auto qdisc = rtnetlink(
        RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL,
        [&](nlmsghdr* message) {
            put_header(message, ifindex, TC_H_CLSACT, TC_H_MAKE(TC_H_CLSACT, 0), 0);
            mnl_attr_put_strz(message, TCA_KIND, "clsact");
        },
        nullptr, &error);
    if (!qdisc && error != EEXIST) return Error{device + ": adding a clsact queue: " + qdisc.message()};
    block.made_qdisc_ = qdisc.ok();
    auto filter = rtnetlink(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_REPLACE, [&](nlmsghdr* message) {
        put_header(message, ifindex, kIngressParent, kHandle, kFilterInfo);
        mnl_attr_put_strz(message, TCA_KIND, "bpf");
        nlattr* options = mnl_attr_nest_start(message, TCA_OPTIONS);
        mnl_attr_put_u32(message, TCA_BPF_FD, static_cast<uint32_t>(program));
        mnl_attr_put_strz(message, TCA_BPF_NAME, "weft_port");
        mnl_attr_put_u32(message, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
        mnl_attr_nest_end(message, options);
    });
    if (!filter) return Error{device + ": adding an ingress filter: " + filter.message()};
    return block;
}

void IngressBlock::remove() {
    if (!ifindex_) return;
    (void)rtnetlink(RTM_DELTFILTER, 0, [&](nlmsghdr* message) {
        put_header(message, ifindex_, kIngressParent, kHandle, kFilterInfo);
        mnl_attr_put_strz(message, TCA_KIND, "bpf");
    }).ok();
    if (made_qdisc_) {
        (void)rtnetlink(RTM_DELQDISC, 0, [&](nlmsghdr* message) {
            put_header(message, ifindex_, TC_H_CLSACT, TC_H_MAKE(TC_H_CLSACT, 0), 0);
            mnl_attr_put_strz(message, TCA_KIND, "clsact");
        }).ok();
    }
    ifindex_ = 0;
}

}  // namespace weft::datapath
