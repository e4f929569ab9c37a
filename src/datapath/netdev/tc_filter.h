// A BPF program at a device's ingress or egress, as a clsact filter (tc-bpf(8), direct action).
//
// The filter outlives the process, as a port stays one when the switch restarts; remove() takes it off.
// Installing over another of ours replaces it at once: no packet passes between the two.

#pragma once

#include <optional>
#include <string>

#include "base/result.h"

namespace weft::datapath {

class TcFilter {
  public:
    enum class Hook : uint8_t { kIngress, kEgress };

    TcFilter() = default;
    // `program`: a loaded program's descriptor, which may be closed afterwards.  `name` is what `tc filter
    // show` prints.
    static Result<TcFilter> install(int ifindex, const std::string& device, Hook hook, int program,
                                    const char* name);
    // The name of one that is there already, of this process or another's; nullopt: there is none.
    static std::optional<std::string> find(int ifindex, Hook hook);
    // The number of its program (BPF_PROG_GET_FD_BY_ID).
    static std::optional<uint32_t> program_id(int ifindex, Hook hook);
    // One that is there already, to remove it later.
    static TcFilter adopt(int ifindex, Hook hook);
    void remove();
    // The clsact queue, if no filter is left in it.
    static void remove_empty_queue(int ifindex);

  private:
    int ifindex_ = 0;
    Hook hook_ = Hook::kIngress;
    bool made_qdisc_ = false;
};

}  // namespace weft::datapath
